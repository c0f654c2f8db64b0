"""Settings: read once, every one bounded, every mistake by its name."""

from pathlib import Path

import pytest

from multitap_server.config import PREFIX, ServerConfig
from multitap_server.errors import ConfigError


def test_without_settings_the_server_listens_on_loopback() -> None:
    config = ServerConfig.read({})

    assert (config.host, config.port) == ("127.0.0.1", 8000)


def test_settings_come_from_the_environment() -> None:
    environ = {"MULTITAP_PORT": "9000", "MULTITAP_REGISTRY": "/data", "HOME": "/root"}
    environ |= {"MULTITAP_BLOBS": "s3://adapters/a"}
    config = ServerConfig.read(environ)

    assert (config.port, config.registry) == (9000, Path("/data"))
    assert config.blobs == "s3://adapters/a"


def test_the_command_line_goes_before_the_environment() -> None:
    config = ServerConfig.read({"MULTITAP_PORT": "9000"}, {"port": 1234, "host": None})

    assert (config.port, config.host) == (1234, "127.0.0.1")


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'MULTITAP_PROT', expected one of "):
        ServerConfig.read({"MULTITAP_PROT": "9000"})


def test_an_unknown_value_of_the_command_line_is_named() -> None:
    with pytest.raises(ConfigError, match="setting 'prot' is 1: "):
        ServerConfig.read({}, {"prot": 1})


def test_settings_of_the_client_are_no_mistake() -> None:
    assert ServerConfig.read({"MULTITAP_URL": "http://localhost:1"}) == ServerConfig.read({})


def test_every_wrong_value_is_named_with_its_bound() -> None:
    environ = {"MULTITAP_PORT": "70000", "MULTITAP_DRAIN_S": "nan", "MULTITAP_UPLOADS": "many"}
    with pytest.raises(ConfigError) as caught:
        ServerConfig.read(environ)

    message = str(caught.value)
    assert "setting 'port' is '70000': input should be less than or equal to 65535" in message
    assert "'drain_s'" in message
    assert "'uploads'" in message


def test_a_database_s_url_is_kept_and_never_shown() -> None:
    url = "postgresql://ann:secret@db/tasks"
    config = ServerConfig.read({"MULTITAP_DATABASE": url})

    assert config.database_url == url
    assert "secret" not in repr(config)
    assert ServerConfig.read({}).database_url is None


@pytest.mark.parametrize("url", ["mysql://ann:secret@db/tasks", "secret", ""])
def test_another_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ConfigError, match=r"setting 'database' is not shown: .*postgres") as caught:
        ServerConfig.read({"MULTITAP_DATABASE": url})

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ServerConfig.model_fields)
def test_every_setting_says_what_it_is(name: str) -> None:
    assert ServerConfig.model_fields[name].description
    assert f"{PREFIX}{name.upper()}".isupper()


def test_allowed_hosts_have_commas_between_them_in_an_environment() -> None:
    config = ServerConfig.read({"MULTITAP_ALLOWED_HOSTS": "Multitap, 10.0.0.5,[fd00::5]"})

    assert config.allowed_hosts == ("multitap", "10.0.0.5", "[fd00::5]")


@pytest.mark.parametrize("name", ["", "*", "*.example.org", "name:8000", "http://name", "fd00::5"])
def test_an_allowed_host_is_a_name_without_a_port_or_a_pattern(name: str) -> None:
    with pytest.raises(ConfigError, match="setting 'allowed_hosts"):
        ServerConfig.read({"MULTITAP_ALLOWED_HOSTS": name})


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("127.0.0.1", ("multitap",)),
        ("::1", ("multitap",)),
        ("10.0.0.5", ("multitap", "10.0.0.5")),
        ("fd00::5", ("multitap", "[fd00::5]")),
        ("Example.org", ("multitap", "example.org")),
    ],
)
def test_an_address_beyond_loopback_is_a_name_of_the_server(
    host: str, names: tuple[str, ...]
) -> None:
    assert ServerConfig(host=host, allowed_hosts=("multitap",)).host_names == names
