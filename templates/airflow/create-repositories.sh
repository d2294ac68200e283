#!/bin/sh
# create-repositories.sh ORIGIN MIRROR SOURCE BRANCH
# The stack's own DAG repository, filled from the project's files, and the mirror of it that Airflow reads. Made beside and
# renamed, so that what a killed run left half is made again, and what is there already is kept.
set -eu
origin=$1 mirror=$2 source=$3 branch=$4
export GIT_CONFIG_NOSYSTEM=1
mkdir -p "$(dirname "$origin")"

if [ ! -e "$origin" ]; then
  rm -rf "$origin.new"
  git init --quiet --bare --initial-branch="$branch" "$origin.new"
  # A push is seen at once; the loop that also fetches is for what comes by other ways.
  cat >"$origin.new/hooks/post-receive" <<'HOOK'
#!/bin/sh
unset GIT_DIR GIT_QUARANTINE_PATH
exec git -C "$(dirname "$PWD")/mirror.git" fetch --quiet --prune origin </dev/null
HOOK
  chmod +x "$origin.new/hooks/post-receive"
  printf '%s\n' '__pycache__/' '*.pyc' '.DS_Store' '.user.yml' 'dbt/target/' 'dbt/logs/' 'dbt/dbt_packages/' \
    >"$origin.new/info/exclude"
  GIT_DIR=$origin.new GIT_WORK_TREE=$source GIT_INDEX_FILE=$origin.new/first-index
  export GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
  git -C "$source" add --all .
  tree=$(git write-tree)
  GIT_AUTHOR_NAME=lambdactl GIT_AUTHOR_EMAIL=lambdactl@localhost
  GIT_COMMITTER_NAME=lambdactl GIT_COMMITTER_EMAIL=lambdactl@localhost
  export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
  commit=$(printf 'DAGs, jobs and models as they ship with lambdactl\n\nSynced-By: lambdactl\n' | git commit-tree "$tree")
  git update-ref "refs/heads/$branch" "$commit"
  unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
  rm -f "$origin.new/first-index"
  mv "$origin.new" "$origin"
fi

if [ ! -e "$mirror" ]; then
  rm -rf "$mirror.new"
  git clone --quiet --mirror "$origin" "$mirror.new"
  mv "$mirror.new" "$mirror"
fi
