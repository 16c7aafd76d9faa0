"""Runs the test files that it is given: run.py FILE…"""
import sys
import unittest
from pathlib import Path

files = [Path(argument).resolve() for argument in sys.argv[1:]]
sys.path[:0] = sorted({str(file.parent) for file in files})
unittest.main(module=None, argv=[sys.argv[0], "--verbose", *(file.stem for file in files)])
