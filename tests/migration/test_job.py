"""Jobs survive JSON."""

from converter.conversion.options import ConversionOptions
from converter.files.json_values import decode, encode
from converter.migration.job import Job


def test_a_job_survives(make_job):
    options = ConversionOptions(
        verify=True, import_ops=("b", "a"), hardlink=True, tags=(), training_tags=("train",)
    )
    job = make_job(options=options, attempt=2)
    assert decode(encode(job), Job) == job


def test_another_attempt_is_the_same_job(make_job):
    job = make_job()
    assert job.again() == make_job(attempt=2)
