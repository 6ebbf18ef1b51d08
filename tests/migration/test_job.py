"""Jobs survive JSON."""

import json

from converter.migration.job import Job


def test_a_job_survives(make_job):
    job = make_job(verify=True, import_ops=("a", "b"), attempt=2)
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


def test_another_attempt_has_a_staging_directory_of_its_own(make_job):
    job = make_job()
    again = job.again()
    assert again.attempt == 2
    assert again.staging != job.staging
    assert again.destination == job.destination
