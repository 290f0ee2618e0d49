# SPDX-License-Identifier: Apache-2.0
"""A certificate for this machine, and its key: its own authority."""
import subprocess


def make(path):
    """Writes both into the file at path; the certificate alone is in path.crt,
    for those who shall trust it."""
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-addext",
         "basicConstraints=critical,CA:FALSE", "-keyout", path + ".key",
         "-out", path + ".crt"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    with open(path, "w", encoding="ascii") as out:
        for part in (".key", ".crt"):
            with open(path + part, encoding="ascii") as file:
                out.write(file.read())
    return path


def vhost(port, path, more=""):
    """A virtual host that speaks TLS with it; wants the module ssl."""
    return f"""
        Listen 127.0.0.1:{port}
        <VirtualHost 127.0.0.1:{port}>
            ServerName localhost
            SSLEngine on
            SSLCertificateFile {path}
            {more}
        </VirtualHost>"""
