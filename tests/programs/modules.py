# python3 modules.py [--processes] [--without CLASS]... NAME... - runs these modules of Python's own tests, and prints the
# result of each test without anything that differs between runs. Without --processes, tests that take another thread or
# process are skipped. The tests of a class after --without are left out.
import os
import random
import subprocess
import sys
import threading
import unittest
from test import support


def skip(*args, **kwargs):
    raise unittest.SkipTest("takes another thread or process")


names = sys.argv[1:]
if names[0] == "--processes":
    names.pop(0)
else:
    threading.Thread.start = subprocess.Popen.__init__ = os.fork = os.forkpty = skip
    support.has_subprocess_support = support.has_fork_support = False
without = set()
while names[0] == "--without":
    without.add(names[1])
    del names[:2]
support.use_resources, support.verbose = (), 0


class Result(unittest.TestResult):
    def addSuccess(self, test):
        print(test.id(), "ok")

    def addSkip(self, test, reason):
        print(test.id(), "skipped:", reason)

    def addExpectedFailure(self, test, error):
        print(test.id(), "fails as expected")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        print(test.id(), "FAILED", self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        print(test.id(), "ERROR", self.errors[-1][1])

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error:
            print(subtest.id(), "FAILED", error)


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        elif type(test).__name__ not in without:
            yield test


result = Result()
for name in names:
    random.seed(1)
    loaded = unittest.defaultTestLoader.loadTestsFromName("test.test_" + name)
    unittest.TestSuite(tests_of(loaded)).run(result)
print(result.testsRun, "tests")
sys.exit(not result.wasSuccessful())
