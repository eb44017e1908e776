using System.Runtime.CompilerServices;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>The host's atomic operations by operand width.</summary>
internal static unsafe class Atomic
{
    // SAFETY: callers pass pointers from Mem.BeginLocked. They may be unaligned inside a page; x86-64 hosts keep locked operations atomic there.

    /// <summary>Stores <paramref name="value"/> if the target holds <paramref name="comparand"/>; answers what it held.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong CompareExchange<T>(T* at, ulong value, ulong comparand)
        where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return Interlocked.CompareExchange(ref *(byte*)at, (byte)value, (byte)comparand);
        if (typeof(T) == typeof(ushort)) return Interlocked.CompareExchange(ref *(ushort*)at, (ushort)value, (ushort)comparand);
        if (typeof(T) == typeof(uint)) return Interlocked.CompareExchange(ref *(uint*)at, (uint)value, (uint)comparand);
        return Interlocked.CompareExchange(ref *(ulong*)at, value, comparand);
    }

    /// <summary>Stores <paramref name="value"/>; answers what the target held.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Exchange<T>(T* at, ulong value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return Interlocked.Exchange(ref *(byte*)at, (byte)value);
        if (typeof(T) == typeof(ushort)) return Interlocked.Exchange(ref *(ushort*)at, (ushort)value);
        if (typeof(T) == typeof(uint)) return Interlocked.Exchange(ref *(uint*)at, (uint)value);
        return Interlocked.Exchange(ref *(ulong*)at, value);
    }

    /// <summary>Adds <paramref name="value"/>; answers what the target held before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FetchAdd<T>(T* at, ulong value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(uint)) return Interlocked.Add(ref *(uint*)at, (uint)value) - (uint)value;
        if (typeof(T) == typeof(ulong)) return Interlocked.Add(ref *(ulong*)at, value) - value;
        while (true)
        {
            ulong old = Width.Widen(Load(at));
            if (CompareExchange(at, old + value, old) == old) return old;
        }
    }

    /// <summary>Reads the target once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(T* at)
        where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return Unsafe.BitCast<byte, T>(Volatile.Read(ref *(byte*)at));
        if (typeof(T) == typeof(ushort)) return Unsafe.BitCast<ushort, T>(Volatile.Read(ref *(ushort*)at));
        if (typeof(T) == typeof(uint)) return Unsafe.BitCast<uint, T>(Volatile.Read(ref *(uint*)at));
        return Unsafe.BitCast<ulong, T>(Volatile.Read(ref *(ulong*)at));
    }
}
