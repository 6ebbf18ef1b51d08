"""The watcher that shows nothing takes all that others take."""

from converter.migration.plan import Plan
from converter.migration.watcher import Silent, Watcher


def test_silence(capfd):
    watcher: Watcher = Silent()
    watcher.planned(Plan((), (), (), {}), 1)
    watcher.started("a")
    watcher.finished("a", None)
    assert capfd.readouterr() == ("", "")
