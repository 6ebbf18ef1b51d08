"""Jobs survive JSON."""

import json

from converter.migration.job import Job


def test_a_job_survives(make_job):
    job = make_job(verify=True, import_ops=("a", "b"), hardlink=True, attempt=2)
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


def test_another_attempt_is_the_same_job(make_job):
    job = make_job()
    assert job.again() == make_job(attempt=2)
