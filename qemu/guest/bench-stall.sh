# SPDX-License-Identifier: GPL-2.0-only
# Is anybody held up by attach and detach? Here with a CPU for each, and by the clock.
#
# run: -k stock -c 2 --thread multi --no-leak-scan -t 300
set -- stall
. /guest/bench.sh
