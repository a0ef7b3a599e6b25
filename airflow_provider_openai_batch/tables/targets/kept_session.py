"""One session for all that a task asks of its target, which rests between two uses."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from airflow_provider_openai_batch.tables.errors import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from airflow_provider_openai_batch.tables.session import Session


class KeptSession:
    """A session that is opened when it is first used, and kept for the uses after that.

    Minutes may pass between two uses, in which rows are read or requests are written. Meanwhile it holds a
    connection and nothing else: no transaction, lock, or temporary table. A write is one use: it stages
    for as long as it needs, and only then begins what others may wait for.

    A use that fails ends the connection, and a server may drop one that rests: the next use opens another.
    """

    def __init__(self, opened: Callable[[str], AbstractContextManager[Session]]) -> None:
        self._opened = opened
        self._open = ExitStack()
        self._resting: Session | None = None

    @contextmanager
    def use(self, doing: str) -> Iterator[Session]:
        """Give the session, with what is being done, for its errors."""
        session = self._take(doing)
        try:
            with told(doing, session.explain):
                yield session
        except BaseException:
            self.close()
            raise
        self._lay_down(session)

    def close(self) -> None:
        """Close the connection; what was not kept is taken back."""
        self._resting = None
        self._open.close()

    def _take(self, doing: str) -> Session:
        session, self._resting = self._resting, None
        if session is not None and _is_alive(session):
            return session
        self.close()
        return self._open.enter_context(self._opened(doing))

    def _lay_down(self, session: Session) -> None:
        """Keep the session if it can rest; a failure here is none of the use, whose work is done."""
        with suppress(Exception):
            if session.rest():
                self._resting = session
        if self._resting is None:
            self.close()


def _is_alive(session: Session) -> bool:
    """Tell whether the server still answers."""
    try:
        session.one("SELECT 1")
    except Exception:  # noqa: BLE001  (whatever it is, the session is of no use)
        return False
    return True
