"""Where a migration ran, and with which versions."""

import msgspec

from converter.page.environment import describe_environment


def test_versions_and_the_machine_are_told(read_report):
    report = read_report()
    assert dict(describe_environment(report)) == {
        "converter": "0.1.0", "TensorFlow": "2.21.0",
    }  # fmt: skip
    run = msgspec.structs.replace(
        report.runs[0], environment={"Python": "3.11.2", "TensorFlow": "2.15.1", "system": "Linux"}
    )
    later = msgspec.structs.replace(run, environment={})
    facts = dict(describe_environment(msgspec.structs.replace(report, runs=[run, later])))
    # What converted the modules counts for more than what is installed.
    assert (facts["Python"], facts["system"]) == ("3.11.2", "Linux")
    assert facts["TensorFlow"] == "2.21.0"


def test_modules_of_several_versions_and_machines_are_counted(read_report):
    report = read_report()
    modules = [
        msgspec.structs.replace(module, worker=f"host{place}:1", converter=f"0.{place % 2}.0")
        for place, module in enumerate(m for m in report.modules if m.folder)
    ]
    facts = dict(describe_environment(msgspec.structs.replace(report, modules=modules)))
    assert {*facts["converter"].split(", ")} == {"0.0.0 (1 module)", "0.1.0 (1 module)"}
    assert facts["machines that worked"] == "2"
