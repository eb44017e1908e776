using System.Runtime.Intrinsics;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;
using HostAes = System.Runtime.Intrinsics.X86.Aes;
using HostPclmulqdq = System.Runtime.Intrinsics.X86.Pclmulqdq;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>AESENC.</summary>
internal readonly struct AesEncrypt : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        HostAes.IsSupported ? HostAes.Encrypt(a, b) : AesRounds.Encrypt(a, last: false) ^ b;
}

/// <summary>AESENCLAST.</summary>
internal readonly struct AesEncryptLast : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        HostAes.IsSupported ? HostAes.EncryptLast(a, b) : AesRounds.Encrypt(a, last: true) ^ b;
}

/// <summary>AESDEC.</summary>
internal readonly struct AesDecrypt : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        HostAes.IsSupported ? HostAes.Decrypt(a, b) : AesRounds.Decrypt(a, last: false) ^ b;
}

/// <summary>AESDECLAST.</summary>
internal readonly struct AesDecryptLast : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        HostAes.IsSupported ? HostAes.DecryptLast(a, b) : AesRounds.Decrypt(a, last: true) ^ b;
}

/// <summary>AESIMC.</summary>
internal readonly struct AesInverseMix : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate) =>
        HostAes.IsSupported ? HostAes.InverseMixColumns(b) : AesRounds.InverseMixColumns(b);
}

/// <summary>AESKEYGENASSIST.</summary>
internal readonly struct AesKeyAssist : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        uint first = AesRounds.SubstituteWord(b.AsUInt32().GetElement(1));
        uint third = AesRounds.SubstituteWord(b.AsUInt32().GetElement(3));
        return Vector128.Create(first, uint.RotateRight(first, 8) ^ immediate, third, uint.RotateRight(third, 8) ^ immediate).AsByte();
    }
}

/// <summary>PCLMULQDQ: the carry-less product of one quadword of each source.</summary>
internal readonly struct CarrylessMultiply : ILaneOperation
{
    public static Lane Apply(Lane a, Lane b, byte immediate)
    {
        ulong x = a.AsUInt64().GetElement(immediate & 1);
        ulong y = b.AsUInt64().GetElement((immediate >> 4) & 1);
        return HostPclmulqdq.IsSupported
            ? HostPclmulqdq.CarrylessMultiply(Vector128.CreateScalar(x), Vector128.CreateScalar(y), 0).AsByte()
            : Multiply(x, y);
    }

    internal static Lane Multiply(ulong x, ulong y)
    {
        UInt128 product = 0;
        for (UInt128 shifted = x; y != 0; y >>= 1, shifted <<= 1)
        {
            if ((y & 1) != 0) product ^= shifted;
        }
        return Vector128.Create((ulong)product, (ulong)(product >> 64)).AsByte();
    }
}
