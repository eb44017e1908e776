using System.Runtime.CompilerServices;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>The host's atomics over operands of 1 to 8 bytes. An operand that is not aligned is as atomic as the host makes it.</summary>
internal static unsafe class Atomic
{
    /// <summary>One fresh read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read<T>(T* at)
        where T : unmanaged
    {
        if (sizeof(T) == 1) return As<byte, T>(Volatile.Read(ref *(byte*)at));
        if (sizeof(T) == 2) return As<ushort, T>(Volatile.Read(ref *(ushort*)at));
        if (sizeof(T) == 4) return As<uint, T>(Volatile.Read(ref *(uint*)at));
        return As<ulong, T>(Volatile.Read(ref *(ulong*)at));
    }

    /// <summary>Writes <paramref name="next"/> if the operand still is <paramref name="old"/>. Answers whether it was.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Exchange<T>(T* at, T next, T old)
        where T : unmanaged
    {
        if (sizeof(T) == 1) return Interlocked.CompareExchange(ref *(byte*)at, As<T, byte>(next), As<T, byte>(old)) == As<T, byte>(old);
        if (sizeof(T) == 2) return Interlocked.CompareExchange(ref *(ushort*)at, As<T, ushort>(next), As<T, ushort>(old)) == As<T, ushort>(old);
        if (sizeof(T) == 4) return Interlocked.CompareExchange(ref *(uint*)at, As<T, uint>(next), As<T, uint>(old)) == As<T, uint>(old);
        return Interlocked.CompareExchange(ref *(ulong*)at, As<T, ulong>(next), As<T, ulong>(old)) == As<T, ulong>(old);
    }

    /// <summary>Swaps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Swap<T>(T* at, T next)
        where T : unmanaged
    {
        if (sizeof(T) == 1) return As<byte, T>(Interlocked.Exchange(ref *(byte*)at, As<T, byte>(next)));
        if (sizeof(T) == 2) return As<ushort, T>(Interlocked.Exchange(ref *(ushort*)at, As<T, ushort>(next)));
        if (sizeof(T) == 4) return As<uint, T>(Interlocked.Exchange(ref *(uint*)at, As<T, uint>(next)));
        return As<ulong, T>(Interlocked.Exchange(ref *(ulong*)at, As<T, ulong>(next)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TTo As<TFrom, TTo>(TFrom value)
        where TFrom : unmanaged
        where TTo : unmanaged => *(TTo*)&value;
}
