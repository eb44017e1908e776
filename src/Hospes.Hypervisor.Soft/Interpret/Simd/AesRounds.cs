using System.Runtime.Intrinsics;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>The steps of the AES cipher (FIPS 197, section 5) for hosts without instructions for them. The state is kept by columns, as in a lane.</summary>
internal static class AesRounds
{
    private const byte Polynomial = 0x1B;

    private static readonly byte[] Substitution = MakeSubstitution();
    private static readonly byte[] InverseSubstitution = Invert(Substitution);

    /// <summary>ShiftRows, SubBytes, and MixColumns but in the last round.</summary>
    public static Lane Encrypt(Lane state, bool last)
    {
        Lane result = default;
        for (int i = 0; i < 16; i++)
            result = result.WithElement(i, Substitution[state.GetElement((i + 4 * (i & 3)) & 15)]);
        return last ? result : MixColumns(result);
    }

    /// <summary>InvShiftRows, InvSubBytes, and InvMixColumns but in the last round.</summary>
    public static Lane Decrypt(Lane state, bool last)
    {
        Lane result = default;
        for (int i = 0; i < 16; i++)
            result = result.WithElement(i, InverseSubstitution[state.GetElement((i - 4 * (i & 3)) & 15)]);
        return last ? result : InverseMixColumns(result);
    }

    /// <summary>InvMixColumns: its polynomial is MixColumns' times {04}x^2 + {05} (FIPS 197, 5.3.3).</summary>
    public static Lane InverseMixColumns(Lane state)
    {
        Lane fourfold = Twice(Twice(state ^ RotateColumns(state, 2)));
        return MixColumns(state ^ fourfold);
    }

    /// <summary>SubWord of the key expansion (FIPS 197, 5.2).</summary>
    public static uint SubstituteWord(uint word) =>
        Substitution[(byte)word] | (uint)Substitution[(byte)(word >> 8)] << 8 | (uint)Substitution[(byte)(word >> 16)] << 16
        | (uint)Substitution[word >> 24] << 24;

    /// <summary>MixColumns: {02}, {03}, {01}, {01} times a byte and those below it in its column (FIPS 197, 5.1.3).</summary>
    private static Lane MixColumns(Lane state)
    {
        Lane next = RotateColumns(state, 1);
        return Twice(state ^ next) ^ next ^ RotateColumns(state, 2) ^ RotateColumns(state, 3);
    }

    /// <summary>Brings every byte's neighbour at a distance below it to its place.</summary>
    private static Lane RotateColumns(Lane state, int bytes) =>
        (state.AsUInt32() >>> (8 * bytes) | state.AsUInt32() << (32 - 8 * bytes)).AsByte();

    /// <summary>Every byte times x in GF(2^8) (FIPS 197, 4.2.1).</summary>
    private static Lane Twice(Lane state)
    {
        Lane carries = Vector128.LessThan(state.AsSByte(), Vector128<sbyte>.Zero).AsByte();
        return (state + state) ^ (carries & Vector128.Create(Polynomial));
    }

    /// <summary>Multiplication in GF(2^8) (FIPS 197, 4.2).</summary>
    private static byte Multiply(byte x, byte y)
    {
        byte product = 0;
        for (; x != 0; x >>= 1)
        {
            if ((x & 1) != 0) product ^= y;
            y = (byte)(y << 1 ^ ((y & 0x80) != 0 ? Polynomial : 0));
        }
        return product;
    }

    /// <summary>The S-box: the affine map of the multiplicative inverse (FIPS 197, 5.1.1).</summary>
    private static byte[] MakeSubstitution()
    {
        const byte AffineConstant = 0x63;
        byte[] table = new byte[256];
        // 3 generates the field and 0xF6 is its inverse, so that x runs over every number but 0 and y over their inverses.
        byte x = 1, y = 1;
        do
        {
            table[x] = (byte)(y ^ byte.RotateLeft(y, 1) ^ byte.RotateLeft(y, 2) ^ byte.RotateLeft(y, 3) ^ byte.RotateLeft(y, 4) ^ AffineConstant);
            x = Multiply(3, x);
            y = Multiply(0xF6, y);
        }
        while (x != 1);
        table[0] = AffineConstant;
        return table;
    }

    private static byte[] Invert(byte[] table)
    {
        byte[] inverse = new byte[256];
        for (int i = 0; i < 256; i++) inverse[table[i]] = (byte)i;
        return inverse;
    }
}
