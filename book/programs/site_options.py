"""The part of the site's configuration that has to be computed: a Sphinx extension.

The repository's address stands in ``_config.yml`` alone. The theme's buttons that lead there
(repository, issues, edit this page) would point nowhere while it is empty, and Jupyter Book refuses
to build with them, so they are switched on here, and only when there is an address.
"""

REPOSITORY_BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button")


def theme_options(options: dict) -> dict:
    """Return the theme options with the repository's buttons on if its address is set."""
    address = (options.get("repository_url") or "").strip()
    if address:
        return options | dict.fromkeys(REPOSITORY_BUTTONS, True) | {"repository_url": address}
    kept = {key: value for key, value in options.items() if key != "repository_url"}
    return kept | dict.fromkeys(REPOSITORY_BUTTONS, False)


def _apply(app, config):
    config.html_theme_options = theme_options(config.html_theme_options)


def setup(app):
    # Before the theme's own listeners, which read these options.
    app.connect("config-inited", _apply, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
