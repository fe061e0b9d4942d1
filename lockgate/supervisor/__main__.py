"""``python -m lockgate.supervisor SPEC``: what `lockgate serve --workers` becomes."""

import sys

from lockgate.supervisor.supervisor import main

if __name__ == "__main__":
    sys.exit(main())
