# Run these in the project's environment, see CONTRIBUTING.md.
.PHONY: check format docs

check:  ## Everything that has to pass: lint, types, layers, tests.
	bash .ci/check

format:  ## Fix what the linter can fix, and format.
	ruff check --fix
	ruff format

docs:  ## Write the pages that are made from the program.
	python3 -m vtsfind.cli.commands_page > docs/cli.md
	python3 -m vtsfind.cli.keys_page > docs/keys.md
	python3 -m vtsfind.cli.man_page > docs/vtsfind.1
	python3 tests/support/fault_matrix.py
