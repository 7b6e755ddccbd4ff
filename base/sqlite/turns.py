"""A lock that is given in the order in which it was asked for."""

from collections import deque
from threading import Lock


class Turns:
    """One thread at a time has the turn; another thread may give it back for the one that has it."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._is_taken = False
        self._waiting: deque[Lock] = deque()  # of each thread that waits, a lock that opens when its turn comes

    def take(self, seconds: float) -> bool:
        """Wait for the turn; return False if it has not come after `seconds`."""
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        return mine.acquire(timeout=seconds) or not self._stops_waiting(mine)

    def _stops_waiting(self, mine: Lock) -> bool:
        """Leave the queue; return False if the turn has come in the last moment."""
        with self._guard:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True

    def give(self) -> None:
        """Let the next one have the turn."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
