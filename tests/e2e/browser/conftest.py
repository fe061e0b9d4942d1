from tests.support.chromium import axe as axe
from tests.support.chromium import browser as browser
from tests.support.chromium import chromium as chromium
