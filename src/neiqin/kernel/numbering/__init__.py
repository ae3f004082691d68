"""Gapless number series: `from neiqin.kernel.numbering.series import Pattern, take, continue_from`."""
