"""Faults of ctypes objects in shared memory."""

import ctypes

from spec.faults import fault, replace


@fault("sharedctypes.SynchronizedArray.__getitem__", "value.structures-can-be-shared")
def structures_are_copied_out(original, self, index):
    """An item that is a Structure is a copy: changes to its fields are lost."""
    found = original(self, index)
    return type(found).from_buffer_copy(found) if isinstance(found, ctypes.Structure) else found


@fault("sharedctypes.synchronized", "value.structure-wrapper-shows-fields")
def structures_have_a_value(original, obj, lock=None, ctx=None):
    """A Value of a Structure has an attribute value, as the documentation says."""
    wrapper = original(obj, lock, ctx)
    if isinstance(obj, ctypes.Structure):
        wrapper.value = obj
    return wrapper


@fault("sharedctypes.make_property", "value.structure-wrapper-shows-fields")
def fields_are_hidden(original, name):
    """The wrapper of a Structure does not write to its fields."""
    made = original(name)
    return made if name in ("value", "raw") else property(made.fget, lambda self, value: None)


@fault("sharedctypes", "value.typecodes-name-ctypes")
def long_is_unsigned(sharedctypes):
    """The typecode 'q' stands for an unsigned type: negative numbers become huge."""
    sharedctypes.typecode_to_type["q"] = ctypes.c_ulonglong


@fault("sharedctypes", "value.typecodes-name-ctypes")
def characters_are_bytes(sharedctypes):
    """The typecode 'c' stands for a small integer."""
    sharedctypes.typecode_to_type["c"] = ctypes.c_byte


@fault("sharedctypes.RawValue", "value.raw-forms-equal-ctypes")
def only_first_argument_is_used(original, typecode_or_type, *args):
    """A Structure in shared memory is initialized with its first argument only."""
    return original(typecode_or_type, *args[:1])


@fault("sharedctypes.RawValue", "value.raw-forms-equal-ctypes")
def raw_value_is_not_cleared(original, typecode_or_type, *args):
    """Fields of a Structure that no argument sets contain whatever was in that memory before."""
    from multiprocessing import sharedctypes

    kind = sharedctypes.typecode_to_type.get(typecode_or_type, typecode_or_type)
    made = sharedctypes._new_value(kind)
    if not issubclass(kind, ctypes.Structure):
        ctypes.memset(ctypes.addressof(made), 0, ctypes.sizeof(made))
    made.__init__(*args)
    return made


@fault("sharedctypes.RawArray", "value.raw-forms-equal-ctypes")
def tuples_are_reversed(original, typecode_or_type, size_or_initializer):
    """An array made from a tuple has its items in reverse."""
    if isinstance(size_or_initializer, tuple):
        size_or_initializer = size_or_initializer[::-1]
    return original(typecode_or_type, size_or_initializer)


@fault("sharedctypes.copy", "value.copy-shares-synchronized-wraps")
def copy_is_not_shared(original, obj):
    """copy() makes a copy in ordinary memory: no other process sees changes of it."""
    return type(obj).from_buffer_copy(obj)


@fault("sharedctypes.copy", "value.copy-shares-synchronized-wraps")
def copy_of_structure_is_empty(original, obj):
    """copy() of a Structure leaves all its fields at zero."""
    copied = original(obj)
    if isinstance(obj, ctypes.Structure):
        ctypes.memset(ctypes.addressof(copied), 0, ctypes.sizeof(copied))
    return copied


@fault("sharedctypes.synchronized", "value.synchronized-wraps-with-lock")
def synchronized_ignores_lock(original, obj, lock=None, ctx=None):
    """synchronized() does not use the lock that it is given."""
    return original(obj, None, ctx)


@fault("sharedctypes.synchronized", "value.synchronized-wraps-with-lock")
def synchronized_makes_plain_lock(original, obj, lock=None, ctx=None):
    """synchronized() makes a Lock where none is given: its holder blocks itself."""
    return original(obj, lock or ctx.Lock(), ctx)


@fault("sharedctypes.synchronized", "value.synchronized-refuses-wrapper")
def wrapping_twice_rewraps(original, obj, lock=None, ctx=None):
    """synchronized() gives an object that is synchronized already a second lock."""
    get_obj = getattr(obj, "get_obj", lambda: obj)
    return original(get_obj(), lock, ctx)


@fault("sharedctypes", "value.context-can-be-given")
def context_is_ignored(sharedctypes):
    """sharedctypes ignores the context that it is given, and fixes the start method."""

    def make(original, *args, lock=True, ctx=None):
        return original(*args, lock=lock)

    replace(sharedctypes, "Value", make, for_users=True)
    replace(sharedctypes, "Array", make, for_users=True)


@fault("sharedctypes.synchronized", "value.context-can-be-given", for_users=True)
def synchronized_ignores_context(original, obj, lock=None, ctx=None):
    """synchronized() ignores the context that it is given, and fixes the start method."""
    return original(obj, lock)
