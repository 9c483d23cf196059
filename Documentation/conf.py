# SPDX-License-Identifier: GPL-2.0-only
"""
Sphinx configuration. scripts/docs stages the pages into build/docs/source,
where this file then is, and says where the kernel's source is: its kernel-doc
and its Sphinx extension are used as they are.
"""
import os
import sys

kernel = os.environ["FLTMGR_KERNEL_SOURCE"]
sys.path.insert(0, os.path.join(kernel, "Documentation/sphinx"))

project = "fltmgr"
copyright = "the fltmgr maintainers"	# pylint: disable=redefined-builtin
extensions = ["kerneldoc"]
kerneldoc_bin = os.path.join(kernel, "scripts/kernel-doc")
kerneldoc_srctree = os.environ["FLTMGR_SOURCE"]
primary_domain = "c"
highlight_language = "none"
nitpicky = False
# Kernel annotations in the signatures that kernel-doc makes.
c_id_attributes = ["__rcu", "__percpu", "__user", "__init", "__exit"]
html_theme = "classic"
html_copy_source = False
html_show_sphinx = False
