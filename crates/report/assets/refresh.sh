#!/bin/sh
# Fetches the chart library of the report anew: ./refresh.sh 4.6.1
# After that: cargo test -p weir-report, make test-python, and a look at a report in light, dark and print.
set -eu
cd "$(dirname "$0")"
version=${1:?say which version of chart.js, such as 4.6.1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent "chart.js@$version" && tar xzf ./*.tgz)
cp "$work/package/dist/chart.umd.min.js" chart.umd.min.js
cp "$work/package/LICENSE.md" chart.LICENSE.md
sha256sum chart.umd.min.js chart.LICENSE.md > SHA256SUMS
echo "chart.js $version is in place; name the version in README.md"
