-- A registry of the release with schema 1: what its database held, and never to be changed.
CREATE TABLE meta (
    id INTEGER NOT NULL CHECK (id = 1),
    schema_version INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id)
);
INSERT INTO "meta" VALUES(1,1,'2026-01-01 00:00:00.000007');
CREATE TABLE tasks (
    name VARCHAR(63) NOT NULL,
    next_version INTEGER NOT NULL CHECK (next_version >= 1),
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO "tasks" VALUES('spam',4,'2026-01-01 00:00:01.000007','2026-01-01 00:00:07.000007');
INSERT INTO "tasks" VALUES('ham',2,'2026-01-01 00:00:02.000007','2026-01-01 00:00:02.000007');
CREATE TABLE versions (
    task VARCHAR(63) NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    state VARCHAR(16) NOT NULL CHECK (state IN ('ready', 'deleted')),
    digest VARCHAR(71) NOT NULL,
    size_bytes BIGINT NOT NULL,
    spec TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (task, version),
    FOREIGN KEY(task) REFERENCES tasks (name)
);
INSERT INTO "versions" VALUES('spam',1,'ready','sha256:b66ec45ca2604d63fd872f4ce9a73606f2fffbda448e8c78c65709f5e381df96',1024,'{"format":1,"backbone":{"model_type":"bert","hidden_size":8,"intermediate_size":16,"embedding_size":8,"num_layers":2,"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","config_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","tokenizer_digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"},"modules":[],"max_tokens":32,"head":{"kind":"classification","labels":["no","yes"],"input":"cls","layers":[{"out":2,"bias":true,"activation":"none"}],"normalize":false},"card":{"task":null,"description":null,"languages":[],"licence":null,"data":[],"metrics":[],"seed":null,"settings":{},"parent":null,"extra":{}}}','2026-01-01 00:00:01.000007','ann');
INSERT INTO "versions" VALUES('ham',1,'ready','sha256:f0579e74e396ad4a530c55bfb99bfa21a1286c2264fd25dd99f18b107d7110fc',1032,'{"format":1,"backbone":{"model_type":"bert","hidden_size":8,"intermediate_size":16,"embedding_size":8,"num_layers":2,"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","config_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","tokenizer_digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"},"modules":[],"max_tokens":32,"head":{"kind":"classification","labels":["é","''%_;--"],"input":"cls","layers":[{"out":2,"bias":true,"activation":"none"}],"normalize":false},"card":{"task":null,"description":null,"languages":[],"licence":null,"data":[],"metrics":[],"seed":null,"settings":{},"parent":null,"extra":{}}}','2026-01-01 00:00:02.000007','ann');
INSERT INTO "versions" VALUES('spam',2,'ready','sha256:2b85f9a7848cca278694d4b45a72fd355f9c7ad47c91c8a3897a26c770ab12e2',1024,'{"format":1,"backbone":{"model_type":"bert","hidden_size":8,"intermediate_size":16,"embedding_size":8,"num_layers":2,"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","config_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","tokenizer_digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"},"modules":[],"max_tokens":32,"head":{"kind":"classification","labels":["no","yes"],"input":"cls","layers":[{"out":2,"bias":true,"activation":"none"}],"normalize":false},"card":{"task":null,"description":null,"languages":[],"licence":null,"data":[],"metrics":[],"seed":null,"settings":{},"parent":null,"extra":{}}}','2026-01-01 00:00:03.000007','bob');
INSERT INTO "versions" VALUES('spam',3,'ready','sha256:88cbfaa792f1d90ef14801c4eb1bf0008ac9222248981c986e46da0d670b81ca',1024,'{"format":1,"backbone":{"model_type":"bert","hidden_size":8,"intermediate_size":16,"embedding_size":8,"num_layers":2,"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","config_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","tokenizer_digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"},"modules":[],"max_tokens":32,"head":{"kind":"classification","labels":["no","yes"],"input":"cls","layers":[{"out":2,"bias":true,"activation":"none"}],"normalize":false},"card":{"task":null,"description":null,"languages":[],"licence":null,"data":[],"metrics":[],"seed":null,"settings":{},"parent":null,"extra":{}}}','2026-01-01 00:00:05.000007','bob');
CREATE TABLE aliases (
    task VARCHAR(63) NOT NULL,
    alias VARCHAR(32) NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (task, alias),
    FOREIGN KEY(task, version) REFERENCES versions (task, version)
);
INSERT INTO "aliases" VALUES('spam','live',1);
INSERT INTO "aliases" VALUES('ham','live',1);
INSERT INTO "aliases" VALUES('spam','candidate',3);
CREATE TABLE alias_history (
    task VARCHAR(63) NOT NULL,
    alias VARCHAR(32) NOT NULL,
    move INTEGER NOT NULL,
    at DATETIME NOT NULL,
    "by" TEXT NOT NULL,
    from_version INTEGER,
    to_version INTEGER,
    reason TEXT,
    PRIMARY KEY (task, alias, move),
    FOREIGN KEY(task) REFERENCES tasks (name)
);
INSERT INTO "alias_history" VALUES('spam','live',1,'2026-01-01 00:00:01.000007','ann',NULL,1,NULL);
INSERT INTO "alias_history" VALUES('ham','live',1,'2026-01-01 00:00:02.000007','ann',NULL,1,NULL);
INSERT INTO "alias_history" VALUES('spam','candidate',1,'2026-01-01 00:00:03.000007','bob',NULL,2,NULL);
INSERT INTO "alias_history" VALUES('spam','live',2,'2026-01-01 00:00:04.000007','cat',1,2,'better on é; it''s ''so''');
INSERT INTO "alias_history" VALUES('spam','candidate',2,'2026-01-01 00:00:06.000007','cat',2,3,NULL);
INSERT INTO "alias_history" VALUES('spam','live',3,'2026-01-01 00:00:07.000007','dan',2,1,'worse');
CREATE INDEX ix_versions_digest ON versions (digest);
CREATE UNIQUE INDEX versions_ready_digest ON versions (task, digest) WHERE state = 'ready';
