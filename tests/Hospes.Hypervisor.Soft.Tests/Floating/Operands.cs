namespace Hospes.Hypervisor.Soft.Tests.Floating;

/// <summary>Random operands that lie where arithmetic goes wrong: at the ends of the range, near ties, with short fractions.</summary>
internal static class Operands
{
    public static ulong Bits64(Random random)
    {
        ulong fraction = (ulong)random.NextInt64() & (ulong.MaxValue << random.Next(53)) & ((1UL << 52) - 1);
        int field = random.Next(6) switch
        {
            0 => 0,
            1 => random.Next(60),
            2 => 0x7fe - random.Next(60),
            3 => 0x7ff,
            4 => 0x3ff + random.Next(-3, 3),
            _ => 0x3ff + random.Next(-60, 60),
        };
        return ((ulong)random.Next(2) << 63) | ((ulong)field << 52) | fraction;
    }

    public static uint Bits32(Random random)
    {
        uint fraction = (uint)random.Next() & (uint.MaxValue << random.Next(24)) & ((1U << 23) - 1);
        int field = random.Next(6) switch
        {
            0 => 0,
            1 => random.Next(30),
            2 => 0xfe - random.Next(30),
            3 => 0xff,
            4 => 0x7f + random.Next(-3, 3),
            _ => 0x7f + random.Next(-30, 30),
        };
        return ((uint)random.Next(2) << 31) | ((uint)field << 23) | fraction;
    }

    /// <summary>Numbers whose products and quotients neither overflow nor underflow.</summary>
    public static double Moderate64(Random random)
    {
        ulong fraction = (ulong)random.NextInt64() & (ulong.MaxValue << random.Next(53)) & ((1UL << 52) - 1);
        ulong field = (ulong)(0x3ff + random.Next(-200, 200));
        return BitConverter.UInt64BitsToDouble(((ulong)random.Next(2) << 63) | (field << 52) | fraction);
    }
}
