using System.Buffers.Binary;

namespace Hospes.Oracle.Generate;

/// <summary>What a vector register, or the memory beside it, is filled with.</summary>
internal enum Flavour
{
    Bytes, Words, Doublewords, Quadwords, Half, Single, Double, Random,
}

/// <summary>Operand values: the ones at which arithmetic changes its mind, mixed with random ones.</summary>
internal static class Values
{
    private static readonly ulong[] Integers =
    [
        0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000,
        0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000,
        0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FF80, 0xFFFF_FFFF_FFFF_8000, 0xFFFF_FFFF_8000_0000,
        0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA, 0x0F0F_0F0F_0F0F_0F0F, 0x99, 0x9A, 0x0909,
    ];

    private static readonly uint[] Singles =
    [
        0, 0x8000_0000, 1, 0x8000_0001, 0x007F_FFFF, 0x807F_FFFF, 0x0080_0000, 0x8080_0000, 0x0080_0001, 0x3F80_0000, 0xBF80_0000,
        0x3F7F_FFFF, 0x3F80_0001, 0x3F00_0000, 0xBF00_0000, 0x3FC0_0000, 0x4000_0000, 0x4020_0000, 0x40490FDB, 0x7F7F_FFFF, 0xFF7F_FFFF,
        0x7F80_0000, 0xFF80_0000, 0x7F80_0001, 0xFFBF_FFFF, 0x7FC0_0000, 0xFFC0_0000, 0xFFFF_FFFF, 0x4EFF_FFFF, 0x4F00_0000, 0xCF00_0000,
        0xCF00_0001, 0x5EFF_FFFF, 0x5F00_0000, 0xDF00_0000, 0x4B00_0001, 0x3380_0000, 0x7F00_0000, 0x1F80_0000, 0x2000_0000,
        0x477F_E000, 0x477F_F000, 0x3880_0000, 0x387F_E000, 0x3300_0000, 0x3300_0001,
    ];

    private static readonly ulong[] Doubles =
    [
        0, 0x8000_0000_0000_0000, 1, 0x8000_0000_0000_0001, 0x000F_FFFF_FFFF_FFFF, 0x0010_0000_0000_0000, 0x8010_0000_0000_0000,
        0x0010_0000_0000_0001, 0x3FF0_0000_0000_0000, 0xBFF0_0000_0000_0000, 0x3FEF_FFFF_FFFF_FFFF, 0x3FF0_0000_0000_0001,
        0x3FE0_0000_0000_0000, 0xBFE0_0000_0000_0000, 0x3FF8_0000_0000_0000, 0x4004_0000_0000_0000, 0x4009_21FB_5444_2D18,
        0x7FEF_FFFF_FFFF_FFFF, 0xFFEF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x7FF0_0000_0000_0001,
        0xFFF7_FFFF_FFFF_FFFF, 0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, 0x41DF_FFFF_FFC0_0000,
        0x41DF_FFFF_FFE0_0000, 0x41E0_0000_0000_0000, 0xC1E0_0000_0000_0000, 0xC1E0_0000_0010_0000, 0x43DF_FFFF_FFFF_FFFF,
        0x43E0_0000_0000_0000, 0xC3E0_0000_0000_0000, 0x47EF_FFFF_E000_0000, 0x47EF_FFFF_F000_0000, 0x3810_0000_0000_0000,
        0x380F_FFFF_FFFF_FFFF, 0x36A0_0000_0000_0000, 0x3690_0000_0000_0000, 0x369F_FFFF_FFFF_FFFF, 0x4330_0000_0000_0001,
        0x3CA0_0000_0000_0000, 0x7FE0_0000_0000_0000, 0x1FF0_0000_0000_0000, 0x2000_0000_0000_0000,
    ];

    private static readonly ushort[] Halves =
    [
        0, 0x8000, 1, 0x03FF, 0x83FF, 0x0400, 0x3C00, 0xBC00, 0x3BFF, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7C01, 0xFDFF, 0x7E00, 0xFFFF,
    ];

    private static readonly (ushort Exponent, ulong Mantissa)[] Extendeds =
    [
        (0, 0), (0, 1), (0, 0x7FFF_FFFF_FFFF_FFFF), (0, 0x8000_0000_0000_0000) /* pseudo-denormal */, (1, 0x8000_0000_0000_0000),
        (0, 0x8000_0000_0000_0001), (0x7FFE, 0xFFFF_FFFF_FFFF_FFFF), (0x7FFF, 0x8000_0000_0000_0000), (0x7FFF, 0x8000_0000_0000_0001),
        (0x7FFF, 0xBFFF_FFFF_FFFF_FFFF), (0x7FFF, 0xC000_0000_0000_0000), (0x7FFF, 0xFFFF_FFFF_FFFF_FFFF),
        (0x7FFF, 0) /* pseudo-infinity */, (0x7FFF, 1) /* pseudo-NaN */, (0x3FFF, 0x4000_0000_0000_0000) /* unnormal */, (0x1234, 1),
        (0x3FFF, 0x8000_0000_0000_0000), (0x3FFF, 0x8000_0000_0000_0001), (0x3FFE, 0xFFFF_FFFF_FFFF_FFFF), (0x3FFE, 0x8000_0000_0000_0000),
        (0x4000, 0x8000_0000_0000_0000), (0x4000, 0xC90F_DAA2_2168_C235), (0x3FFF, 0xC000_0000_0000_0000), (0x403D, 0xFFFF_FFFF_FFFF_FFFE),
        (0x403E, 0x8000_0000_0000_0000), (0x401E, 0x8000_0000_0000_0000), (0x401D, 0xFFFF_FFFF_0000_0000), (0x400E, 0x8000_0000_0000_0000),
        (0x400D, 0xFFFF_0000_0000_0000), (0x43FE, 0xFFFF_FFFF_FFFF_F800), (0x43FE, 0xFFFF_FFFF_FFFF_FC00), (0x3C01, 0x8000_0000_0000_0000),
        (0x3BCD, 0x8000_0000_0000_0000), (0x407E, 0xFFFF_FF00_0000_0000), (0x407E, 0xFFFF_FF80_0000_0000), (0x3F81, 0x8000_0000_0000_0000),
        (0x3F6A, 0x8000_0000_0000_0000), (0x403A, 0xDE0B_6B3A_763F_FFF0) /* 10^18 - 1 */, (0x403A, 0xDE0B_6B3A_7640_0000),
    ];

    public static ulong Integer(ref Randomness random) => random.Below(10) switch
    {
        < 4 => random.Pick<ulong>(Integers),
        < 6 => (ulong)random.Below(256),
        < 7 => random.Next() >> random.Below(64),
        < 8 => ~(random.Next() >> random.Below(64)),
        _ => random.Next(),
    };

    public static uint Single(ref Randomness random) => random.Below(10) switch
    {
        < 4 => random.Pick<uint>(Singles),
        // Near 1, so that sums and products round and cancel.
        < 8 => (uint)((random.Next() & 0x807F_FFFF) | ((ulong)(127 - 12 + random.Below(24)) << 23)),
        < 9 => BitConverter.SingleToUInt32Bits(random.Below(2000) - 1000),
        _ => (uint)random.Next(),
    };

    public static ulong Double(ref Randomness random) => random.Below(10) switch
    {
        < 4 => random.Pick<ulong>(Doubles),
        < 8 => (random.Next() & 0x800F_FFFF_FFFF_FFFF) | ((ulong)(1023 - 12 + random.Below(24)) << 52),
        < 9 => BitConverter.DoubleToUInt64Bits(random.Below(2000) - 1000),
        _ => random.Next(),
    };

    public static ushort Half(ref Randomness random) => random.Chance(40) ? random.Pick<ushort>(Halves) : (ushort)random.Next();

    /// <summary>Ten bytes: an x87 register in memory order.</summary>
    public static void Extended(ref Randomness random, Span<byte> bytes)
    {
        ushort exponent;
        ulong mantissa;
        switch (random.Below(10))
        {
            case < 4:
                (exponent, mantissa) = random.Pick<(ushort, ulong)>(Extendeds);
                break;
            case < 7:
                exponent = (ushort)(0x3FFF - 12 + random.Below(24));
                mantissa = random.Next() | 0x8000_0000_0000_0000;
                break;
            case < 8:
                exponent = (ushort)(0x3FFF - 70 + random.Below(140));
                mantissa = (random.Next() << random.Below(64)) | 0x8000_0000_0000_0000;
                break;
            case < 9:
                exponent = (ushort)(random.Next() & 0x7FFF);
                mantissa = random.Next() | 0x8000_0000_0000_0000;
                break;
            default:
                exponent = (ushort)(random.Next() & 0x7FFF);
                mantissa = random.Next();
                break;
        }

        if (random.Chance(40))
        {
            exponent |= 0x8000;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(bytes, mantissa);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[8..], exponent);
    }

    /// <summary>Ten bytes of packed decimal, mostly with legal digits.</summary>
    public static void Decimal(ref Randomness random, Span<byte> bytes)
    {
        for (var i = 0; i < 9; i++)
        {
            bytes[i] = random.Chance(98) ? (byte)((random.Below(10) << 4) | random.Below(10)) : (byte)random.Next();
        }

        bytes[9] = (byte)(random.Chance(50) ? 0x80 : random.Chance(80) ? 0 : random.Next());
    }

    /// <summary>Fills memory or a vector with elements of one kind.</summary>
    public static void Fill(ref Randomness random, Flavour flavour, Span<byte> bytes)
    {
        Span<byte> element = stackalloc byte[8];
        while (!bytes.IsEmpty)
        {
            var size = 8;
            switch (flavour)
            {
                case Flavour.Bytes:
                    element[0] = (byte)Integer(ref random);
                    size = 1;
                    break;
                case Flavour.Words:
                    BinaryPrimitives.WriteUInt16LittleEndian(element, (ushort)Integer(ref random));
                    size = 2;
                    break;
                case Flavour.Half:
                    BinaryPrimitives.WriteUInt16LittleEndian(element, Half(ref random));
                    size = 2;
                    break;
                case Flavour.Doublewords:
                    BinaryPrimitives.WriteUInt32LittleEndian(element, (uint)Integer(ref random));
                    size = 4;
                    break;
                case Flavour.Single:
                    BinaryPrimitives.WriteUInt32LittleEndian(element, Single(ref random));
                    size = 4;
                    break;
                case Flavour.Double:
                    BinaryPrimitives.WriteUInt64LittleEndian(element, Double(ref random));
                    break;
                case Flavour.Quadwords:
                    BinaryPrimitives.WriteUInt64LittleEndian(element, Integer(ref random));
                    break;
                default:
                    BinaryPrimitives.WriteUInt64LittleEndian(element, random.Next());
                    break;
            }

            size = Math.Min(size, bytes.Length);
            element[..size].CopyTo(bytes);
            bytes = bytes[size..];
        }
    }
}
