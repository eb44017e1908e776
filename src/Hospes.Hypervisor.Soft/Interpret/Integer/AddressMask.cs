using System.Runtime.CompilerServices;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>Address sizes of 2, 4 and 8 bytes.</summary>
internal static class AddressMask
{
    /// <summary>Truncates an offset to an address size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Apply(ulong offset, int size) => offset & Of(size);

    /// <summary>The bits of an address size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(int size) => ulong.MaxValue >> (64 - 8 * size);
}
