# SPDX-License-Identifier: Apache-2.0
"""llmgwctl doctor: what is wrong is found, by its name and with its cure."""
import json
import os
import time

import pytest

from test_190_config import control  # noqa: F401  pylint: disable=unused-import


@pytest.fixture
def sick(gw, control):  # noqa: F811
    """A gateway that runs on a store of its own; doctor through `look`."""
    gw.new_store()
    gw.serve(gw.conf().four_providers().model("smart", "openai gpt-test").enable())
    gw.record(gw.chat("smart", key=gw.key("alice")))

    def look(code):
        done = gw.ctl("doctor", "--httpd", control, json_out=True)
        assert done.code == code, done
        return {f["about"]: f for f in done.json["findings"] if f["level"] != "ok"}

    gw.look = look
    yield gw
    gw.stop()


def test_a_gateway_that_is_well(sick):
    findings = sick.look(0)
    # The tests' price list is old, and there may be no vocabulary or mod_ssl.
    assert set(findings) <= {"prices", "vocabulary", "mod_ssl"}, findings
    done = sick.ctl("doctor", "--httpd", "/bin/true")
    assert "ok    store folder: " in done.out and "cure: " in done.out


def test_old_prices(sick):
    finding = sick.look(0)["prices"]
    assert finding["level"] == "warn" and "2026-01-15" in finding["seen"]
    assert "price import" in finding["cure"]


def test_no_gateway(sick):
    sick.stop()
    findings = sick.look(0)
    assert "no gateway runs" in findings["owner"]["seen"]


def test_a_folder_that_others_can_write(sick):
    sick.stop()
    os.chmod(sick.store, 0o777)
    try:
        finding = sick.look(1)["store folder"]
    finally:
        os.chmod(sick.store, 0o700)
    assert finding["level"] == "fail" and "0777" in finding["seen"]
    assert finding["cure"] == f"chmod 0700 {sick.store}"


def test_a_folder_that_others_can_read(sick):
    os.chmod(sick.store, 0o755)
    finding = sick.look(0)["store folder"]
    os.chmod(sick.store, 0o700)
    assert finding["level"] == "warn" and "0755" in finding["seen"]


def test_a_foreign_db_config(sick):
    sick.stop()
    path = os.path.join(sick.store, "env", "DB_CONFIG")
    with open(path, "w", encoding="utf-8") as file:
        file.write("set_flags DB_TXN_NOSYNC\n")
    os.chown(path, os.stat(sick.store).st_uid, -1)
    findings = sick.look(1)
    assert "DB_CONFIG" in findings["store's files"]["seen"]
    assert "DB_CONFIG" in findings["opening the store"]["seen"]


def test_a_file_of_another_user(sick):
    if os.getuid():
        pytest.skip("not root")
    sick.stop()
    path = os.path.join(sick.store, "env", "keys.db")
    os.chown(path, 0 if os.stat(path).st_uid else 1, -1)
    finding = sick.look(1)["owner of the files"]
    assert path in finding["seen"] and "chown -R" in finding["cure"]


def test_usage_without_a_price(sick):
    sick.record(sick.chat("openai/never-priced", key=sick.key("alice")))
    finding = sick.look(0)["unpriced usage"]
    assert finding["level"] == "warn" and "openai/never-priced" in finding["seen"]


def test_a_price_that_was_set_is_known(sick):
    """The list's age is the imported one's; a model that has a price by now is
    not told of, though its requests were priced by a guess."""
    sick.record(sick.chat("openai/never-priced", key=sick.key("alice")))
    assert sick.ctl("price", "set", "openai/never-priced*", "--input", "1", "--output", "2",
                    "--request", "0").code == 0
    today = time.strftime("%Y-%m-%d", time.gmtime())
    path = sick.file("imported.json", json.dumps(
        {"as_of": today, "currency": "USD", "unit": "per_million", "models": [
            {"provider": "openai", "model": "gpt-new", "input": "1", "output": "2"}]}))
    assert sick.ctl("price", "import", path).code == 0
    findings = sick.look(0)
    assert "unpriced usage" not in findings and "prices" not in findings, findings


def test_a_stored_secret_that_is_missing(sick):
    """httpd -t reads it as a start would; what it says has the name."""
    sick.stop()
    sick.write_conf(sick.conf(f"LLMMasterKey {sick.root}/missing-master.key\n")
                    .provider("openai", key="secret:gone").enable())
    findings = sick.look(1)
    assert "missing-master.key" in findings["master key"]["seen"]
    assert "secret" in findings["httpd -t"]["seen"], findings
    path = os.path.join(sick.root, "missing-master.key")
    assert sick.ctl("secret", "set", "other", "--master-key", path, stdin="sk-1\n").code == 0
    findings = sick.look(1)
    assert "master key" not in findings and "gone" in findings["httpd -t"]["seen"], findings
    with open(path, "w", encoding="utf-8") as file:
        file.write("nonsense\n")
    assert "not a master key file" in sick.look(1)["master key"]["seen"]
    os.unlink(path)


def test_each_thing_is_told_once(sick):
    """Without the module, that it is missing is one finding."""
    text = "\n".join(line for line in sick.conf().text().splitlines()
                     if "LLM" not in line and "llm_gateway" not in line)
    sick.write_conf(text)
    done = sick.ctl("doctor", "--httpd", os.path.join(sick.root, "control.sh"), json_out=True)
    assert [f["about"] for f in done.json["findings"]].count("mod_llm_gateway") == 1


def test_a_replaced_store_is_told(sick):
    sick.stop()
    backup = os.path.join(os.path.dirname(sick.store), "doctor-backup")
    sick.ctl_json("store", "backup", backup)
    aside = sick.ctl_json("store", "restore", backup)["restore"]["aside"]
    finding = sick.look(0)[os.path.basename(aside)]
    assert finding["level"] == "warn" and aside in finding["cure"]


def test_a_store_that_is_not_there(gw, control):  # noqa: F811
    gw.write_conf(gw.conf().four_providers().enable())
    done = gw.ctl("--store", "/no/such/store", "doctor", "--httpd", control, "--json",
                  store=False)
    assert done.code == 1
    assert any("/no/such/store" in f["seen"] for f in done.json["findings"])


def test_modules_that_are_missing(sick):
    text = "\n".join(line for line in sick.conf().four_providers().enable().text().splitlines()
                     if not line.startswith("LoadModule proxy"))
    sick.write_conf(text)
    findings = sick.look(1)
    assert any(f["level"] == "fail" and "proxy" in f["seen"] + f["about"]
               for f in findings.values()), findings


def test_a_key_file_that_is_gone(sick):
    sick.write_conf(sick.conf().provider("openai", key="file:/no/such/key").enable())
    findings = sick.look(1)
    assert "/no/such/key" in findings["provider openai"]["seen"]


def test_doctor_leaves_no_trace(sick):
    sick.stop()
    before = sorted(os.listdir(sick.store))
    sick.look(0)
    assert sorted(os.listdir(sick.store)) == before
