"""HTTP status codes by what they mean here; servers differ, so a meaning is a set of codes."""

from __future__ import annotations

SUCCESS = range(200, 300)
NOT_FOUND = 404
TOO_LARGE = 413
TOO_MANY = 429
BAD_REQUEST = 400  #: from here on the client failed
SERVER_ERROR = 500  #: from here on the server failed, and it may have acted before

#: The key is not accepted.
DENIED = frozenset({401, 403})
#: The API is not to be called more now: the key is not accepted, or it is a rate limit.
LEAVE_ALONE = DENIED | {TOO_MANY}
#: The server has no such route.
NO_ROUTE = frozenset({NOT_FOUND, 405, 501})
#: The request itself is invalid.
INVALID = frozenset({BAD_REQUEST, NOT_FOUND, 422})
#: An upload is refused: the file is not there.
UPLOAD_REFUSED = INVALID | {TOO_LARGE, TOO_MANY}
#: A create is refused: no batch exists and nothing runs.
CREATE_REFUSED = UPLOAD_REFUSED | DENIED
#: There is nothing to cancel, or the server cannot.
NOTHING_TO_CANCEL = NO_ROUTE | {BAD_REQUEST, 409, 410, 422}
#: The server has no list of batches or of files.
NO_LIST = NO_ROUTE | {BAD_REQUEST, 410, 422}
#: A file is not there.
NO_FILE = NO_LIST | {416}
#: A call failed, and what it asked for may have happened.
MAY_HAVE_ACTED = frozenset({408, 409})
#: A request of a batch failed and may succeed if it is sent again; 0 is what some servers write for none.
PASSING = frozenset({0, 408, 409, 425, TOO_MANY})
