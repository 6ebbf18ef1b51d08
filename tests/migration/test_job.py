"""Jobs survive JSON."""

import json

from converter.conversion.options import ConversionOptions
from converter.migration.job import Job


def test_a_job_survives(make_job):
    options = ConversionOptions(
        verify=True, import_ops=("b", "a"), hardlink=True, tags=(), training_tags=("train",)
    )
    job = make_job(options=options, attempt=2)
    assert Job.from_json(json.loads(json.dumps(job.to_json()))) == job


def test_another_attempt_is_the_same_job(make_job):
    job = make_job()
    assert job.again() == make_job(attempt=2)
