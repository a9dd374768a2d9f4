"""A ShareableList takes str and bytes of "less than 10M bytes each", says its documentation."""

from multiprocessing.shared_memory import ShareableList

if __name__ == "__main__":
    for length in (9_999_991, 9_999_992):
        try:
            items = ShareableList([b"a" * length])
        except AssertionError:
            print(f"{length:,} bytes: AssertionError")
        else:
            print(f"{length:,} bytes: stored")
            items.shm.close()
            items.shm.unlink()
