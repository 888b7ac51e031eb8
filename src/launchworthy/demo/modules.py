"""The standard library's public modules that the assistant reads. What is not here is never imported.

Left out on purpose: what opens windows, prints or asks on import (``antigravity``, ``this``, ``idlelib``,
``turtle``, ``tkinter``, ``test``), what was removed in Python 3.12 or 3.13, and what only one system has.
"""

from __future__ import annotations

__all__ = ["MODULES"]

# An object that several modules show belongs to the first of them, so the order is part of the ids.
MODULES: tuple[str, ...] = (
    "builtins",
    *"sys os os.path io time re math json random datetime pathlib shutil glob fnmatch tempfile".split(),
    *"collections.abc collections itertools functools operator copy pprint reprlib enum dataclasses".split(),
    *"typing types abc contextlib contextvars weakref gc atexit warnings traceback linecache".split(),
    *"inspect ast dis tokenize token keyword symtable code codeop compileall py_compile".split(),
    *"pickle pickletools copyreg shelve marshal dbm sqlite3 csv configparser tomllib plistlib netrc".split(),
    *"string textwrap unicodedata stringprep difflib codecs locale gettext struct binascii base64".split(),
    *"quopri zlib gzip bz2 lzma zipfile tarfile zipapp hashlib hmac secrets uuid ssl".split(),
    *"cmath decimal fractions numbers statistics calendar zoneinfo graphlib heapq bisect array".split(),
    *"queue threading concurrent.futures multiprocessing multiprocessing.pool".split(),
    *"multiprocessing.shared_memory multiprocessing.managers subprocess sched signal".split(),
    *"select selectors".split(),
    *"asyncio socket socketserver http http.client http.server http.cookies http.cookiejar".split(),
    *"urllib.parse urllib.request urllib.error urllib.response urllib.robotparser ftplib smtplib".split(),
    *"imaplib poplib xmlrpc.client xmlrpc.server ipaddress webbrowser mimetypes".split(),
    *"wsgiref.simple_server".split(),
    *"wsgiref.util wsgiref.headers wsgiref.validate html html.parser html.entities".split(),
    *"email email.message email.mime.multipart email.mime.text email.mime.image email.mime.base".split(),
    *"email.parser email.policy email.header email.utils email.generator email.headerregistry".split(),
    *"mailbox xml.etree.ElementTree xml.dom.minidom xml.sax xml.sax.saxutils xml.sax.handler".split(),
    *"argparse optparse getopt getpass logging logging.handlers logging.config cmd shlex readline".split(),
    *"platform errno stat filecmp fileinput mmap fcntl resource pwd grp pty tty termios syslog".split(),
    *"unittest unittest.mock doctest pdb bdb timeit cProfile profile pstats trace tracemalloc".split(),
    *"faulthandler sysconfig site importlib importlib.abc importlib.machinery importlib.metadata".split(),
    *"importlib.resources importlib.util pkgutil modulefinder runpy zipimport ensurepip venv".split(),
    *"ctypes ctypes.util colorsys wave curses curses.ascii rlcompleter tabnanny pyclbr".split(),
)
