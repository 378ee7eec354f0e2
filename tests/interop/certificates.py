"""certificates.py - the certificates of the tests, and how programs are told of them. In builds without TLS there are
none."""
import os
import pathlib

FOLDER = pathlib.Path(os.environ["CARAWAY_CERTIFICATES"]) if "CARAWAY_CERTIFICATES" in os.environ else None
AUTHORITY = FOLDER / "authority.pem" if FOLDER else None
# The environment of a peer that trusts the authority: OpenSSL and Go read the one, Node the other.
TRUST = {"SSL_CERT_FILE": str(AUTHORITY), "NODE_EXTRA_CA_CERTS": str(AUTHORITY)} if FOLDER else {}


def files(name):
    """The certificate NAME with its chain, and its key."""
    return str(FOLDER / f"{name}.pem"), str(FOLDER / f"{name}.key")


def options(name):
    """By which our servers show the certificate NAME."""
    certificate, key = files(name)
    return ["--tls-cert", certificate, "--tls-key", key]


def environment(name):
    """In which a peer's server shows the certificate NAME."""
    certificate, key = files(name)
    return {"CERTIFICATE": certificate, "KEY": key}
