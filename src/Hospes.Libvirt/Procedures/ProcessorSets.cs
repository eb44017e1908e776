namespace Hospes.Libvirt.Procedures;

/// <summary>Sets of host processors as bits, the first in the lowest bit of the first byte.</summary>
internal static class ProcessorSets
{
    /// <summary>The first so many.</summary>
    /// <param name="count">How many.</param>
    /// <param name="length">The length of the set in bytes; what does not fit is left out.</param>
    public static byte[] All(int count, int length)
    {
        byte[] set = new byte[length];
        for (int i = 0; i < count && i < length * 8; i++) set[i / 8] |= (byte)(1 << (i % 8));
        return set;
    }
}
