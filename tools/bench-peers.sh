#!/bin/bash
# Runs other engines and cierzo in turn on one PostgreSQL and prints what they cost side by side. CIERZO_PEERS is a folder
# with their programs: build.sh, run.sh (which takes RUNS, PEERS, WL and QUICK and appends objects to OUT) and a folder for
# each program.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${CIERZO_PEERS:?set it to the folder with the programs to compare with, see tools/bench-peers.sh}"
here=$PWD
work=${WORK:-$here/var/peers}
mkdir -p "$work"
cp -ru "$CIERZO_PEERS"/. "$work"/
go build -o bin/cierzo ./cmd/cierzo

# run.sh runs NAME/NAME.bin for a peer NAME-pg or NAME-sqlite.
mkdir -p "$work/cierzo"
cat > "$work/cierzo/cierzo.bin" <<EOF
#!/bin/bash
case \$1 in
*-pg*) store=\$PG_URL ;;
*) store=sqlite://\$BENCH_DIR/cierzo.db ;;
esac
inside=()
case \$1 in *-inside) inside=(--inside) ;; esac
exec $here/bin/cierzo bench --store "\$store" --workloads "\$BENCH_WL" --executions "\$BENCH_W1" --idle "\$BENCH_IDLE" --run "\$BENCH_RUN" "\${inside[@]}" -o json >> "\$BENCH_OUT"
EOF
chmod +x "$work/cierzo/cierzo.bin"

peers=${PEERS:-limits floorg-pg cierzo-pg dbos-pg dbosq-pg river-pg floorg-sqlite cierzo-sqlite cierzo-sqlite-inside dbos-sqlite temporal-pg}
need=()
for p in $peers; do
	b=${p%%-*}
	case $b in dbos*) b=dbos ;; floor*) b=floor ;; esac
	[[ -x $work/$b/$b.bin || " ${need[*]-} " == *" $b "* ]] || need+=("$b")
done
[[ ${#need[@]} == 0 ]] || (cd "$work" && ./build.sh "${need[@]}")

out=$work/results.jsonl
rm -f "$out"
(cd "$work" && PEERS=$peers RUNS=${RUNS:-3} OUT=$out ./run.sh > table.txt)
bin/cierzo bench ratios "$out"
echo "all figures: $work/table.txt"
