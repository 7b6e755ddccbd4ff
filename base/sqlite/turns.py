"""A lock that serves waiting threads in the order of their requests."""

from collections import deque
from threading import Lock


class Turns:
    """One thread at a time has the turn; any thread may give it back."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._is_taken = False
        self._waiting: deque[Lock] = deque()  # a lock for each waiting thread, released when its turn comes

    def take(self, seconds: float) -> bool:
        """Wait for the turn; return False after `seconds` without it."""
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return True
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        return mine.acquire(timeout=seconds) or not self._stops_waiting(mine)

    def _stops_waiting(self, mine: Lock) -> bool:
        """Leave the queue; return False if the turn has come meanwhile."""
        with self._guard:
            if mine not in self._waiting:
                return False
            self._waiting.remove(mine)
            return True

    def give(self) -> None:
        """Give the turn to the next thread."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
