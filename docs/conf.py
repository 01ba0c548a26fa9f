"""How Sphinx makes the site: `make docs`. The pages are staged by tools/docs.py."""

from importlib import metadata

project = "rsp"
author = "The rsp maintainers"
project_copyright = "The rsp maintainers, MIT licence"
release = version = metadata.version("really-simple-proxy")

extensions = ["myst_nb"]
exclude_patterns = ["LICENSE"]
nitpicky = True
suppress_warnings: list[str] = []

myst_enable_extensions: list[str] = []
myst_heading_anchors = 3
nb_execution_mode = "off"  # they are executed when they are made, and compared by `make test`
nb_merge_streams = True

html_theme = "furo"
html_title = "rsp, a really simple proxy"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
