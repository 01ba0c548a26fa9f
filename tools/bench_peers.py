"""The proxies that the benchmark compares: a table, so that another one is one more entry.

A relay passes bytes on unread; a proxy of the kind HTTP reads each request. All have one worker and
no access log, and all of the kind HTTP add the same fields. In what they are started with, $PORT is
where to listen, $BACKEND the port of the backend, $FOLDER theirs to write in, and $CLIENTS how many
at once must find room; any other $word is the program's own. All listen on IPv6 and IPv4 at once,
as rsp does.
"""

import sys
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path


class Kind(Enum):
    """What a proxy does with the bytes."""

    RELAY = "relay"
    HTTP = "HTTP"


@dataclass(frozen=True)
class Peer:
    """A proxy to measure, the way it is set up."""

    name: str
    words: str  # for the tables
    kind: Kind
    program: str
    command: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)  # name: text; written into $FOLDER
    everyday: bool = True  # False: only with --all
    twin: str = ""  # the peer that it is the same as: their ratio is the noise

    def again(self) -> "Peer":
        """Return the same once more, under another name."""
        words = f"{self.words} again"
        return replace(self, name=f"{self.name}-again", words=words, twin=self.name)


HAPROXY = ("haproxy", "-db", "-f", "$FOLDER/haproxy.cfg")
NGINX = ("nginx", "-p", "$FOLDER", "-c", "nginx.conf", "-e", "error.log")
STREAM_MODULE = "$STREAM_MODULE"  # a load_module line, or nothing where nginx has it built in
TEMPORARY = "".join(
    f"  {name}_temp_path temp;\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
NGINX_MAIN = """daemon off; pid nginx.pid; worker_processes 1; $USER
events { worker_connections $CONNECTIONS; }
"""
# What rsp adds, but for X-Forwarded-For, which all of them have an option for.
HAPROXY_FIELDS = """  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header Via "1.1 haproxy"
  http-response set-header Via "1.1 haproxy"
"""


def haproxy(mode: str, *lines: str) -> dict[str, str]:
    """Return HAProxy's configuration in `mode`, tcp or http, with further lines."""
    fields = HAPROXY_FIELDS if mode == "http" else ""
    text = f"""global
  nbthread 1
  maxconn $CLIENTS
defaults
  mode {mode}
  timeout connect 5s
  timeout client 300s
  timeout server 300s
{"".join(f"  {line}{chr(10)}" for line in lines)}frontend front
  bind :::$PORT v4v6
{fields}  default_backend back
backend back
  server one 127.0.0.1:$BACKEND
"""
    return {"haproxy.cfg": text}


def nginx_http(upstream: str = "", http: str = "", location: str = "") -> dict[str, str]:
    """Return nginx's configuration as a reverse proxy, with further lines in three places."""
    text = f"""{NGINX_MAIN}http {{
  access_log off;
{TEMPORARY}{http}  upstream back {{
    server 127.0.0.1:$BACKEND;
{upstream}  }}
  server {{
    listen [::]:$PORT ipv6only=off;
    location / {{
      proxy_pass http://back;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto http;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header Via "1.1 nginx";
      add_header Via "1.1 nginx";
{location}    }}
  }}
}}
"""
    return {"nginx.conf": text}


NGINX_STREAM = f"""{STREAM_MODULE}
{NGINX_MAIN}stream {{
  server {{ listen [::]:$PORT ipv6only=off; proxy_pass 127.0.0.1:$BACKEND; }}
}}
"""
NGINX_TUNED = nginx_http(
    upstream="    keepalive 64; keepalive_requests 100000000;\n",
    http="  keepalive_requests 100000000;\n",
    location="""      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_max_temp_file_size 0;
      proxy_buffers 16 64k;
""",
)
CADDYFILE = """{
  admin off
  auto_https off
}
http://:$PORT {
  reverse_proxy 127.0.0.1:$BACKEND {
    header_up Via "1.1 caddy"
    header_down Via "1.1 caddy"
  }
}
"""

RSP = Peer(
    "rsp",
    "rsp relay",
    Kind.RELAY,
    sys.executable,
    (sys.executable, "-m", "rsp", "--relay", "$PORT", "127.0.0.1", "$BACKEND"),
)
RSP_HTTP = Peer(
    "rsp-http",
    "rsp HTTP",
    Kind.HTTP,
    sys.executable,
    (sys.executable, "-m", "rsp", "--access-log", "off", "$PORT", "127.0.0.1", "$BACKEND"),
)
FLOOR = Peer(
    "floor",
    "Python's floor",
    Kind.RELAY,
    sys.executable,
    (sys.executable, str(Path(__file__).parent / "bench_floor.py"), "$PORT", "$BACKEND"),
    everyday=False,
)
TCP = Peer("haproxy-tcp", "HAProxy TCP", Kind.RELAY, "haproxy", HAPROXY, haproxy("tcp"))
# Measured with strace (HAProxy 2.6): in TCP mode `option splice-auto` splices nothing here, and
# `splice-request` the way to the backend alone; `splice-response` is what moves answers.
TCP_SPLICE = replace(
    TCP,
    name="haproxy-tcp-splice",
    words="HAProxy TCP spliced",
    files=haproxy("tcp", "option splice-request", "option splice-response"),
)
TCP_AUTO = replace(
    TCP,
    name="haproxy-tcp-auto",
    words="HAProxy TCP splice-auto",
    files=haproxy("tcp", "option splice-auto"),
    everyday=False,
)
STREAM = Peer(
    "nginx-stream", "nginx stream", Kind.RELAY, "nginx", NGINX, {"nginx.conf": NGINX_STREAM}
)
NGINX_HTTP = Peer(
    "nginx-http", "nginx HTTP", Kind.HTTP, "nginx", NGINX, nginx_http(), everyday=False
)
NGINX_HTTP_TUNED = replace(
    NGINX_HTTP,
    name="nginx-http-tuned",
    words="nginx HTTP tuned",
    files=NGINX_TUNED,
    everyday=True,
)
HAPROXY_HTTP = Peer(
    "haproxy-http",
    "HAProxy HTTP",
    Kind.HTTP,
    "haproxy",
    HAPROXY,
    haproxy("http", "option forwardfor"),
    everyday=False,
)
HAPROXY_HTTP_TUNED = replace(
    HAPROXY_HTTP,
    name="haproxy-http-tuned",
    words="HAProxy HTTP tuned",
    files=haproxy("http", "option forwardfor", "option splice-response", "http-reuse always"),
    everyday=True,
)
CADDY = Peer(
    "caddy",
    "Caddy",
    Kind.HTTP,
    "caddy",
    ("caddy", "run", "--config", "$FOLDER/Caddyfile", "--adapter", "caddyfile"),
    {"Caddyfile": CADDYFILE},
    everyday=False,
)

PEERS = {
    peer.name: peer
    for peer in [
        RSP,
        FLOOR,
        TCP,
        TCP.again(),
        TCP_SPLICE,
        TCP_AUTO,
        STREAM,
        RSP_HTTP,
        NGINX_HTTP,
        NGINX_HTTP_TUNED,
        NGINX_HTTP_TUNED.again(),
        HAPROXY_HTTP,
        HAPROXY_HTTP_TUNED,
        CADDY,
    ]
}
