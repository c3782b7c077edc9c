//! The files of the sample repositories. Their scripts need nothing but a POSIX shell.

/// One commit on the main branch.
pub(super) struct Commit {
    pub(super) author: &'static str,
    pub(super) message: &'static str,
    pub(super) files: &'static [(&'static str, &'static str)],
}

const README: Commit = Commit {
    author: "mara",
    message: "Begin with a readme",
    files: &[("README.md", "# A repository of the sample team\n")],
};

pub(super) const CHECKOUT_API: [Commit; 3] = [
    README,
    Commit {
        author: "ivo",
        message: "Compute the total of a basket\n\nPrices are in cents, so that nothing is lost in rounding.",
        files: &[
            ("src/total.sh", TOTAL),
            ("test/total_test.sh", TOTAL_TEST),
            ("prices.txt", "1299\n450\n89\n"),
        ],
    },
    Commit {
        author: "mara",
        message: "Build every push",
        files: &[("bitbucket-pipelines.yml", CHECKOUT_PIPELINE)],
    },
];

const TOTAL: &str = r#"#!/bin/sh
# Prints the sum of the prices, one a line, given on standard input.
set -eu
sum=0
while read -r price; do
  sum=$((sum + price))
done
echo "$sum"
"#;

const TOTAL_TEST: &str = r#"#!/bin/sh
set -eu
actual=$(sh src/total.sh < prices.txt)
if [ "$actual" != 1838 ]; then
  echo "total of prices.txt: expected 1838, got $actual" >&2
  exit 1
fi
echo "ok - the total of prices.txt is $actual"
"#;

const CHECKOUT_PIPELINE: &str = r#"image: alpine:3.20

pipelines:
  default:
    - step:
        name: Check the scripts
        script:
          - for file in src/*.sh test/*.sh; do sh -n "$file" && echo "$file parses"; done
    - step:
        name: Test
        script:
          - sh test/total_test.sh
        after-script:
          - echo "tests ended with code $BITBUCKET_EXIT_CODE"
    - step:
        name: Package
        max-time: 10
        script:
          - export VERSION="1.0.$BITBUCKET_BUILD_NUMBER"
          - mkdir -p dist
          - tar -cf "dist/checkout-api-$VERSION.tar" src prices.txt
          - ls -l dist
  branches:
    release/*:
      - step:
          name: Release check
          script:
            - echo "releasing $BITBUCKET_BRANCH at $BITBUCKET_COMMIT"
            - sh test/total_test.sh
  tags:
    v*:
      - step:
          name: Announce
          script:
            - echo "version $BITBUCKET_TAG"
"#;

pub(super) const WEB_SHOP: [Commit; 2] = [
    README,
    Commit {
        author: "ivo",
        message: "Show the basket on every page",
        files: &[
            ("index.html", INDEX),
            ("test/links.sh", LINKS),
            ("bitbucket-pipelines.yml", SHOP_PIPELINE),
        ],
    },
];

const INDEX: &str = r#"<!doctype html>
<title>Harbor web shop</title>
<a href="basket.html">Basket</a>
"#;

const LINKS: &str = r#"#!/bin/sh
# Fails when a page links to a file that is not there.
status=0
for page in *.html; do
  for target in $(sed -n 's/.*href="\([^"]*\)".*/\1/p' "$page"); do
    if [ -e "$target" ]; then
      echo "ok - $page -> $target"
    else
      echo "not ok - $page links to $target, which does not exist" >&2
      status=1
    fi
  done
done
exit $status
"#;

const SHOP_PIPELINE: &str = r#"pipelines:
  default:
    - step:
        name: Build
        script:
          - mkdir -p public
          - cp ./*.html public/
          - echo "built $(ls public | wc -l) page(s)"
    - step:
        name: Test
        script:
          - sh test/links.sh
    - step:
        name: Publish
        script:
          - echo "never reached while the test fails"
"#;

pub(super) const INFRA_TERRAFORM: [Commit; 2] = [
    README,
    Commit {
        author: "mara",
        message: "Describe the network",
        files: &[
            ("network.tf", NETWORK),
            ("bitbucket-pipelines.yml", INFRA_PIPELINE),
        ],
    },
];

const NETWORK: &str = r#"resource "harbor_network" "quay" {
  range = "10.20.0.0/16"
}
"#;

const INFRA_PIPELINE: &str = r#"definitions:
  steps:
    - step: &validate
        name: Validate
        script:
          - grep -q '^resource ' network.tf && echo "network.tf declares a resource"

pipelines:
  default:
    - step: *validate
  branches:
    main:
      - step: *validate
      - step:
          <<: *validate
          name: Plan
          script:
            - echo "1 to add, 0 to change, 0 to destroy"
  tags:
    'apply-*':
      - step:
          name: Apply
          script:
            - echo "applying $BITBUCKET_TAG"
"#;

pub(super) const LEDGER: [Commit; 2] = [
    README,
    Commit {
        author: "mara",
        message: "Balance the books",
        files: &[
            ("entries.txt", "100\n-40\n-60\n"),
            ("balance.sh", BALANCE),
            ("bitbucket-pipelines.yml", LEDGER_PIPELINE),
        ],
    },
];

const BALANCE: &str = r#"#!/bin/sh
set -eu
sum=0
while read -r entry; do
  sum=$((sum + entry))
done < entries.txt
[ "$sum" = 0 ] || { echo "the books are off by $sum" >&2; exit 1; }
echo "the books balance"
"#;

const LEDGER_PIPELINE: &str = r#"pipelines:
  default:
    - step:
        name: Balance
        script:
          - sh balance.sh
    - step:
        name: Report
        script:
          - wc -l < entries.txt
          - echo "done at $BITBUCKET_COMMIT"
"#;
