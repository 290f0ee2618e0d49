# SPDX-License-Identifier: Apache-2.0
"""A provider's account of usage against the ledger of a real gateway."""
import datetime
import json


def export_of(answers, wrong_output=0):
    """What OpenAI's usage interface would say of these answers."""
    usage = [a.json["usage"] for a in answers]
    now = datetime.datetime.now(datetime.timezone.utc)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return json.dumps({"object": "page", "has_more": False, "data": [{
        "object": "bucket", "start_time": int(midnight.timestamp()), "results": [{
            "object": "organization.usage.completions.result",
            "input_tokens": sum(u["prompt_tokens"] for u in usage),
            "input_cached_tokens": sum(
                u["prompt_tokens_details"]["cached_tokens"] for u in usage),
            "output_tokens": sum(u["completion_tokens"] for u in usage) + wrong_output,
            "num_model_requests": len(usage),
            "model": answers[0].json["model"]}]}]})


def spend(gw):
    gw.serve(gw.conf().provider("openai").model("openai/*", "openai *").enable())
    answers = [gw.chat("openai/gpt-recon;cached=7", f"hello {i}") for i in range(3)]
    assert gw.chat("openai/gpt-recon;status=400", "no").status == 400
    gw.record(answers[-1])
    return answers


def test_what_the_provider_counts_agrees(gw, tmp_path):
    answers = spend(gw)
    model = answers[0].json["model"]
    file = tmp_path / "usage.json"
    file.write_text(export_of(answers))
    # other tests' models of today are not in the export
    done = gw.ctl("reconcile", file, "--all", json_out=True)
    rows = [r for r in done.json["differences"] if r["model"] == model]
    assert {r["what"]: r["difference"] for r in rows} == {
        "requests": "0", "input": "0", "cached": "0", "output": "0"}
    assert all(r["provider"] == r["ledger"] for r in rows)


def test_a_difference_ends_with_1(gw, tmp_path):
    answers = spend(gw)
    file = tmp_path / "usage.json"
    file.write_text(export_of(answers, wrong_output=1000))
    done = gw.ctl("reconcile", file)
    assert done.code == 1
    assert "output" in done.out and answers[0].json["model"] in done.out


def test_a_file_that_is_none_is_refused(gw, tmp_path):
    spend(gw)
    file = tmp_path / "usage.json"
    file.write_text('{"data":[{"start_time":1}]}')
    done = gw.ctl("reconcile", file)
    assert done.code == 2
    assert "usage.json: page 1, data[0]: expected start_time" in done.err
