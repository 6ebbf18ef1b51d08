"""Run as a module, it dies as a process does that TensorFlow crashes."""

import os
import signal

if __name__ == "__main__":
    os.kill(os.getpid(), signal.SIGSEGV)
