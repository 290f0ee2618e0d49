# SPDX-License-Identifier: Apache-2.0
"""llmgwctl config, with a real httpd: what it finds in configurations, and
that no secret gets out."""
import os

import pytest


@pytest.fixture
def control(gw):
    """A program like apachectl: httpd with this gateway's folder and file."""
    path = os.path.join(gw.root, "control.sh")
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'#!/bin/sh\nexec "{gw.env.httpd}" -d "{gw.root}" -f "{gw.conf_path}" "$@"\n')
    os.chmod(path, 0o755)
    gw.stop()
    yield path


def check(gw, control, conf, code=0, verb="check"):
    gw.write_conf(conf)
    done = gw.ctl("config", verb, "--httpd", control, json_out=True)
    assert done.code == code, done
    return done.json


def found(result, level):
    return [f"{f['about']}: {f['seen']}" for f in result["findings"] if f["level"] == level]


def test_a_configuration_that_is_fine(gw, control):
    conf = gw.conf().four_providers().model("smart", "openai gpt-test", "anthropic claude-test") \
        .enable()
    result = check(gw, control, conf)
    assert found(result, "fail") == [] and found(result, "warn") == []
    rows = check(gw, control, conf, verb="targets")["targets"]
    rows = [t for t in rows if t["model"] == "smart"]
    assert [(t["provider"], t["upstream_model"]) for t in rows] == \
        [("openai", "gpt-test"), ("anthropic", "claude-test")]
    assert rows[0]["key"] == "env:TEST_OPENAI_KEY" and rows[0]["priced"] is True
    assert rows[0]["place"].startswith(gw.conf_path + ":")
    table = gw.ctl("config", "check", "--httpd", control)
    assert table.code == 0 and "gpt-test" in table.out and "0 failed" in table.out


def test_a_directive_that_is_wrong(gw, control):
    result = check(gw, control, gw.conf("LLMRetries lots\n").four_providers().enable(), code=1)
    assert any("LLMRetries" in f and gw.conf_path in f for f in found(result, "fail"))


def test_secrets_that_cannot_be_had(gw, control):
    private = gw.file("private.key", "sk-private\n")
    conf = gw.conf() \
        .provider("openai", key="file:/no/such/key") \
        .provider("anthropic", key="env:NOT_SET_ANYWHERE") \
        .provider("gemini", key=f"file:{private}").enable()
    result = check(gw, control, conf, code=1)
    assert any("provider openai" in f and "/no/such/key" in f for f in found(result, "fail"))
    assert any("NOT_SET_ANYWHERE" in f for f in found(result, "warn"))
    assert "gemini" not in str(found(result, "fail") + found(result, "warn")).replace(
        "httpd -t", "")


def test_no_secret_is_printed(gw, control):
    private = gw.file("private.key", "sk-very-private\n")
    conf = gw.conf() \
        .provider("openai", key=f"file:{private}", more='LLMHeader X-Thing "very-private-too"') \
        .model("a", "openai gpt-test").enable()
    gw.write_conf(conf)
    for words in (["check"], ["check", "--json"], ["targets", "--json"]):
        done = gw.ctl("config", *words, "--httpd", control)
        assert "very-private" not in done.out + done.err, words


def test_a_model_without_a_price(gw, control):
    result = check(gw, control, gw.conf().four_providers().model(
        "odd", "openai never-priced").enable())
    assert any("model odd" in f and "never-priced" in f for f in found(result, "warn"))


def test_a_price_that_was_set(gw, control):
    """It counts, whether the gateway runs or not."""
    assert gw.ctl("price", "set", "openai/set-priced", "--input", "1", "--output", "2").code == 0
    result = check(gw, control, gw.conf().four_providers().model(
        "odd", "openai set-priced").enable())
    assert not any("model odd" in f for f in found(result, "warn")), result


def test_a_provider_that_leads_back(gw, control):
    conf = gw.conf().provider("openai", url=f"http://localhost:{gw.port}/v1") \
        .model("a", "openai gpt-test").enable()
    result = check(gw, control, conf, code=1)
    assert any("this server's own" in f for f in found(result, "fail"))


def test_a_server_without_the_module(gw, control):
    conf = "\n".join(line for line in gw.conf().text().splitlines()
                     if "LLM" not in line and "llm_gateway" not in line)
    result = check(gw, control, conf, code=1)
    assert any("mod_llm_gateway" in f for f in found(result, "fail")), result


def test_a_program_that_is_not_there(gw):
    done = gw.ctl("config", "check", "--httpd", "/no/such/httpd")
    assert done.code in (1, 3) and "/no/such/httpd" in done.err + done.out


def test_the_list_of_settings(gw):
    rows = gw.ctl_json("config", "list")["settings"]
    named = {r["directive"]: r for r in rows}
    assert named["LLMTimeout"]["default"] == "900s" and named["LLMTimeout"]["help"]
    done = gw.ctl("config", "list", store=False)
    assert done.code == 0 and "LLMRetries" in done.out
