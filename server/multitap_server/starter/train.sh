#!/usr/bin/env bash
# Makes the starter tasks again: train.sh DATA [OUT], with DATA/<set>/{train,validation,test}.jsonl.gz.
# The settings are those that the quality benchmark chose by validation scores (benchmarks/quality).
# The same data and machine give the same bytes; one thread, since sums depend on their number.
set -euo pipefail
data=$1
out=${2:-$(dirname "$0")}

train() { # task, data set, then the options that differ
  local task=$1 name=$2
  shift 2
  if [ -f "$data/$name/validation.jsonl.gz" ]; then
    set -- --validation "$data/$name/validation.jsonl.gz" "$@"
  fi
  multitap train --task "$task" --out "$out/$task.safetensors" --overwrite --threads 1 \
    --train "$data/$name/train.jsonl.gz" --test "$data/$name/test.jsonl.gz" \
    --data-name "$name" --language en "$@"
}

train sentiment sst2 --learning-rate 2e-3 --epochs 1 --hidden-dropout 0.1 \
  --description "Whether a sentence of a film review speaks well or ill of the film." \
  --licence "none stated: a public research benchmark" \
  --source "Stanford Sentiment Treebank, binary (SST-2): Socher et al. 2013; train and dev as in GLUE"

train banking-intent banking77 --learning-rate 2e-3 --epochs 6 \
  --description "Which of 77 things a bank's customer wants." \
  --licence "CC BY 4.0" \
  --source "Banking77: Casanueva et al. 2020"

train question-type trec6 --learning-rate 2e-3 --epochs 6 \
  --description "What a question asks for: ABBR, DESC, ENTY, HUM, LOC or NUM." \
  --licence "none stated: a public research benchmark" \
  --source "TREC question classification, coarse labels: Li and Roth 2002"

train spam sms_spam --learning-rate 2e-3 --epochs 4 --seed 1 --positive-label spam \
  --description "Whether a text message is spam or ham." \
  --licence "free, no limitations besides the copyright notice and no warranty" \
  --source "SMS Spam Collection v.1: Almeida et al. 2011; split 80/10/10 with seed 0, stratified"
