# A client of PostgreSQL's own libpq 18 that logs in by SASL OAUTHBEARER: libpq asks the server where tokens come from, hands
# that to the program's hook (PQsetAuthDataHook), and sends what the hook brings. The hook goes through the provider's device
# flow (RFC 8628) with what it was told, or shows the token that it was given. Prints lines of JSON.
import ctypes
import json
import sys
import time
import urllib.parse
import urllib.request

asked = json.load(sys.stdin)
libpq = ctypes.CDLL(asked["libpq"])


class BearerRequest(ctypes.Structure):
    """PGoauthBearerRequest of libpq-fe.h."""

    _fields_ = [
        ("openid_configuration", ctypes.c_char_p),
        ("scope", ctypes.c_char_p),
        ("async_", ctypes.c_void_p),
        ("cleanup", ctypes.c_void_p),
        ("token", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
    ]


BEARER_TOKEN = 1  # PQAUTHDATA_OAUTH_BEARER_TOKEN
CONNECTION_OK = 0
TUPLES_OK = 2
kept = []


def say(what):
    print(json.dumps(what), flush=True)


def post(url, fields):
    request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        return json.load(refused)


def device_flow(configuration, scope):
    with urllib.request.urlopen(configuration, timeout=10) as answer:
        places = json.load(answer)
    # The audience of the token, by its own parameter (RFC 8707).
    client = {"client_id": asked["clientId"], "resource": asked["resource"]}
    started = post(places["device_authorization_endpoint"], {**client, "scope": scope})
    say({"userCode": started["user_code"]})
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        tokens = post(
            places["token_endpoint"],
            {**client, "grant_type": grant, "device_code": started["device_code"]},
        )
        if "access_token" in tokens:
            return tokens["access_token"]
        if tokens["error"] not in ("authorization_pending", "slow_down"):
            raise RuntimeError(tokens["error"])
        time.sleep(started.get("interval", 5))
    raise RuntimeError("nobody confirmed it")


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
def hook(kind, _connection, data):
    if kind != BEARER_TOKEN:
        return 0
    request = ctypes.cast(data, ctypes.POINTER(BearerRequest)).contents
    configuration = (request.openid_configuration or b"").decode()
    scope = (request.scope or b"").decode()
    say({"told": configuration, "scope": scope})
    token = asked.get("token") or device_flow(configuration, scope)
    # libpq keeps no copy: it lives as long as the program.
    kept.append(ctypes.create_string_buffer(token.encode()))
    request.token = ctypes.cast(kept[-1], ctypes.c_char_p)
    return 1


libpq.PQsetAuthDataHook(hook)
libpq.PQconnectdb.restype = ctypes.c_void_p
libpq.PQexec.restype = ctypes.c_void_p
for name in ("PQerrorMessage", "PQresultErrorMessage", "PQgetvalue"):
    getattr(libpq, name).restype = ctypes.c_char_p
at = ctypes.c_void_p(libpq.PQconnectdb(asked["conninfo"].encode()))
say({"libpq": libpq.PQlibVersion()})
if libpq.PQstatus(at) != CONNECTION_OK:
    say({"refused": libpq.PQerrorMessage(at).decode()})
    sys.exit()
result = ctypes.c_void_p(libpq.PQexec(at, asked["sql"].encode()))
if libpq.PQresultStatus(result) != TUPLES_OK:
    say({"refused": libpq.PQresultErrorMessage(result).decode()})
    sys.exit()
say({"rows": [libpq.PQgetvalue(result, row, 0).decode() for row in range(libpq.PQntuples(result))]})
libpq.PQclear(result)
libpq.PQfinish(at)
