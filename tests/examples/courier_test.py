"""courier_test.py - a protocol of the program's own says what it should."""
import subprocess
import sys

done = subprocess.run([f"{sys.argv[1]}/courier"], capture_output=True, text=True, timeout=60)
expected = "received: How are you?\nreceived: Good, and you?\nreceived: plain bytes\n"
assert (done.returncode, done.stdout, done.stderr) == (0, expected, ""), done
