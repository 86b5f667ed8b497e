"""The page of reports: one HTML file that needs nothing else."""

from gsmooth_core.page.rendering import by_model as by_model
from gsmooth_core.page.rendering import report_page as report_page
from gsmooth_core.page.rendering import save_page as save_page
