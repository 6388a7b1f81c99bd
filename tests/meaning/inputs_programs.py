"""Programs and what they print: code, a diff, a log, the output of commands."""

from __future__ import annotations

from meaning.checks import python_check
from meaning.entries import written
from meaning.notation import Doc

INPUTS = [
    written(
        "python-code",
        "Python code",
        "How does LeaseTable.release find the owner of a lease?",
        [0.5, 0.35],
        "def release(self, key, owner):",
        Doc(
            r'''
0.|import threading
0.|import time

0.|DEFAULT_TTL = 30  # seconds


0>|class LeaseTable:
4.|    """Leases of named resources. Not for use between processes."""

4.|    def __init__(self, ttl=DEFAULT_TTL):
4+|        self._ttl = ttl
4+|        self._held = {}
4+|        self._lock = threading.Lock()

4.|    def acquire(self, key, owner):
4+|        """Takes the lease unless somebody else holds it."""
4+|        with self._lock:
4+|            holder, until = self._held.get(key, (None, 0.0))
4+|            if holder not in (None, owner) and until > time.monotonic():
4+|                return False
4+|            self._held[key] = (owner, time.monotonic() + self._ttl)
4+|            return True

4~|    # Does not raise for a lease that has run out.
4.|    def release(self, key, owner):
4+|        with self._lock:
4+|            holder, _ = self._held.get(key, (None, 0.0))
4+|            if holder != owner:
4+|                return False
4+|            del self._held[key]
4+|            return True

4.|    @property
4+|    def size(self):
4+|        return len(self._held)


0>|class NullTable(LeaseTable):
4.|    """Never refuses, for tests."""

4.|    def acquire(self, key, owner):
4+|        return True

4.|    def release(self, key, owner):
4+|        return True


0.|def owner_of(table, key):
0+|    holder, until = table._held.get(key, (None, 0.0))
0+|    return holder if until > time.monotonic() else None
''',
            indent=True,
        ),
        also=[python_check],
    ),
    written(
        "go-code",
        "Go code",
        "How long does Backoff wait between two tries?",
        [0.5, 0.3],
        "func (b Backoff) Wait(n int) time.Duration {",
        Doc(
            r"""
0.|package retry

0.|import (
0+|	"errors"
0+|	"time"
0+|)

0~|// ErrGiveUp is never wrapped.
0.|var ErrGiveUp = errors.New("retry: gave up")

0~|// Backoff doubles from Base, and stays below Max.
0.|type Backoff struct {
0+|	Base time.Duration
0+|	Max  time.Duration
0+|	// Tries of 0 means no limit.
0+|	Tries int
0+|}

0~|// Wait is the pause before try n.
0~|// It has no jitter.
0.|func (b Backoff) Wait(n int) time.Duration {
0+|	d := b.Base << n
0+|	if d > b.Max || d <= 0 {
0+|		return b.Max
0+|	}
0+|	return d
0+|}

0~|// Do calls f until it returns nil.
0.|func (b Backoff) Do(f func() error) error {
0+|	for n := 0; b.Tries == 0 || n < b.Tries; n++ {
0+|		if f() == nil {
0+|			return nil
0+|		}
0+|		time.Sleep(b.Wait(n))
0+|	}
0+|	return ErrGiveUp
0+|}

0~|// Linear waits the same time before each try.
0.|type Linear struct {
0+|	Step time.Duration
0+|}

0.|func (l Linear) Wait(n int) time.Duration {
0+|	return l.Step
0+|}
""",
            indent=True,
        ),
    ),
    written(
        "diff",
        "diff of several files",
        "What did the commit change about the session lifetime?",
        [0.5, 0.3],
        "+SESSION_HOURS = 8",
        Doc(
            r"""
0.|commit 7c1f0aa2
0.|Author: Ines Moreau <ines@example.net>

0>|diff --git a/app/auth.py b/app/auth.py
0+|--- a/app/auth.py
0+|+++ b/app/auth.py
1.|@@ -10,4 +10,4 @@ import os
1+| ISSUER = "shop"
1+|-SESSION_HOURS = 72
1+|+SESSION_HOURS = 8
1+| COOKIE = "sid"
1+| SECURE = True
1.|@@ -41,5 +41,7 @@ def login(user, password):
1+|     if not user.active:
1+|         return None
1+|+    if user.locked:
1+|+        return None
1+|     token = issue(user)
1+|     audit("login", user)
1+|     return token
0>|diff --git a/app/mail.py b/app/mail.py
0+|--- a/app/mail.py
0+|+++ b/app/mail.py
1.|@@ -3,3 +3,3 @@
1+| HOST = "smtp.internal"
1+|-RETRIES = 5
1+|+RETRIES = 2
1+| SENDER = "no-reply@example.net"
0>|diff --git a/docs/limits.md b/docs/limits.md
0+|--- a/docs/limits.md
0+|+++ b/docs/limits.md
1.|@@ -20,3 +20,2 @@
1+| Uploads may not exceed 20 MB.
1+|-Sessions never expire.
1+| Exports run once an hour.
""",
        ),
    ),
    written(
        "log-stacktrace",
        "log with stack traces",
        "What caused the failure of order 88121?",
        [0.5, 0.3],
        "Caused by: java.sql.SQLTimeoutException",
        Doc(r"""
0.|2024-09-03 02:11:04,118 INFO  [main] Scheduler - nightly run started
0.|2024-09-03 02:11:05,730 WARN  [pool-1] OrderJob - order 88119 has no address, skipped
0>o|2024-09-03 02:11:06,002 ERROR [pool-2] OrderJob - order 88120 failed
1>o|java.lang.IllegalStateException: already invoiced
2.|	at shop.Invoice.create(Invoice.java:77)
2.|	at shop.OrderJob.run(OrderJob.java:31)
0.|2024-09-03 02:11:06,415 INFO  [pool-1] OrderJob - order 88122 done in 212 ms
0>o|2024-09-03 02:11:09,001 ERROR [pool-3] OrderJob - order 88121 failed
1>o|shop.StoreException: cannot book
2.|	at shop.Store.book(Store.java:140)
2.|	at shop.OrderJob.run(OrderJob.java:35)
1>o|Caused by: java.sql.SQLTimeoutException: no connection after 3000 ms
2.|	at shop.Pool.get(Pool.java:58)
2.|	... 2 more
0.|2024-09-03 02:11:09,250 INFO  [pool-1] OrderJob - order 88123 done in 95 ms
0.|2024-09-03 02:11:11,870 WARN  [main] Pool - 0 of 20 connections free
0.|2024-09-03 02:11:12,004 INFO  [main] Pool - grown to 40 connections
0.|2024-09-03 02:11:14,333 INFO  [pool-2] OrderJob - order 88124 done in 101 ms
0.|2024-09-03 02:11:15,009 INFO  [main] Scheduler - nightly run finished, 2 failed, 1 skipped
"""),
    ),
    written(
        "kubectl-ps",
        "output of several commands in columns",
        "How many restarts does the billing pod in staging have?",
        [0.5, 0.3],
        "billing-6f9c-x2p4   0/1     CrashLoopBackOff   14",
        r"""
0>|$ kubectl get pods -n production
1>|NAME                READY   STATUS             RESTARTS   AGE
2.|billing-7d4b-k9qzl  1/1     Running            0          12d
2.|catalog-5c77-mmv2d  1/1     Running            3          12d
2.|gateway-84bd-t8rwx  2/2     Running            0          4d
2.|mailer-66f5-zz7hh   0/1     ImagePullBackOff   0          7m

0>|$ kubectl get pods -n staging
1>|NAME                READY   STATUS             RESTARTS   AGE
2.|billing-6f9c-x2p4   0/1     CrashLoopBackOff   14         51m
2.|catalog-5c77-bb81s  1/1     Running            1          2d
2.|gateway-84bd-pq0ld  2/2     Running            0          2d

0>|$ ps -eo pid,user,%mem,command --sort=-%mem
1>|    PID USER     %MEM COMMAND
2.|   2210 postgres 31.4 postgres: checkpointer
2.|    918 redis    12.0 redis-server 127.0.0.1:6379
2.|   3377 deploy    4.2 /usr/bin/python3 -m billing
2.|      1 root      0.1 /sbin/init
""",
    ),
    written(
        "grep-heading",
        "grep output with file names as headings, context lines",
        "In which file is max_connections 500?",
        [0.5, 0.3],
        "max_connections = 500",
        r"""
0>|$ rg -C1 --heading max_connections conf/

1>|conf/primary.ini
2.|11-[pool]
2.|12:max_connections = 200
2.|13-min_connections = 10
2~|--
2.|40-# replica reads
2.|41:max_connections_read = 120
2.|42-timeout = 30

1>|conf/replica.ini
2.|7-[pool]
2.|8:max_connections = 80
2.|9-min_connections = 80

1>|conf/reporting.ini
2.|3-; not used since v4
2.|4:;max_connections = 900
2.|5-[pool]
2.|6:max_connections = 500
2.|7-min_connections = 0

1>|conf/test.ini
2.|1-[pool]
2.|2:max_connections = 5
2.|3-min_connections = 1
""",
    ),
]
