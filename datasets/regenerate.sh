#!/usr/bin/env bash
# Rebuilds pima.csv, wdbc.csv and digits.csv from Debian packages and compares them with the copies beside this script.
#
#   datasets/regenerate.sh [FOLDER]     (writes there, or to a new temporary folder)
#
# Needs a Debian (bookworm, the release the copies were taken from) with apt-get, dpkg-deb and awk; the
# packages are fetched by apt from whatever mirror it is set to and are unpacked, never installed.
# Exit code 0: all files came out byte for byte the same.
#
# The Pima table stands in two packages: as an R binary in r-cran-mlbench (where our copy came from) and as
# text in weka. The text is read here, since it needs no R; the two tables are the same, cell by cell.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
out="${1:-$(mktemp -d)}"
mkdir -p "$out"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

chmod 755 "$work" # apt fetches as a user of its own
(cd "$work" && apt-get download weka python3-sklearn)
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done

# ARFF: comment and header lines first, then plain rows whose last cell is the class. Our copies write a
# measurement with a decimal point always (31.0, not 31).
{
  echo 'pregnancies,glucose,blood_pressure,skin_thickness,insulin,bmi,pedigree,age,outcome'
  awk -F, -v OFS=, '/^[0-9]/ {
    sub(/\r$/, ""); $9 = ($9 == "tested_positive") ? 1 : 0
    for (i = 6; i <= 7; i++) if ($i !~ /\./) $i = $i ".0"
    print
  }' "$work/root/usr/share/doc/weka/examples/diabetes.arff"
} > "$out/pima.csv"

# One line of counts and class names, then 30 measurements and a class where 0 means malignant: turned
# around, so that 1 is the finding one looks for. The names are those of scikit-learn's loader.
{
  for statistic in mean error worst; do
    for measure in radius texture perimeter area smoothness compactness concavity concave_points symmetry \
      fractal_dimension; do
      if [ "$statistic" = error ]; then printf '%s_error,' "$measure"; else printf '%s_%s,' "$statistic" "$measure"; fi
    done
  done
  echo malignant
  awk -F, -v OFS=, 'NR > 1 {
    sub(/\r$/, ""); $NF = 1 - $NF
    for (i = 1; i < NF; i++) if ($i !~ /\./) $i = $i ".0"
    print
  }' "$work/root/usr/lib/python3/dist-packages/sklearn/datasets/data/breast_cancer.csv"
} > "$out/wdbc.csv"

# Rows of 64 pixels and the digit, without a header.
{
  for pixel in $(seq 0 63); do printf 'p%s,' "$pixel"; done
  echo digit
  gunzip -c "$work/root/usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz" | sed 's/\r$//'
} > "$out/digits.csv"

cmp "$out/digits.csv" "$here/digits.csv"
cmp "$out/pima.csv" "$here/pima.csv"
cmp "$out/wdbc.csv" "$here/wdbc.csv"
echo "pima.csv, wdbc.csv and digits.csv are the same, byte for byte: $out"
