"""All benchmarks, one table each: `make bench`."""

from tests.bench import bench_planning

if __name__ == "__main__":
    bench_planning.main()
