namespace Hospes.Hypervisor.Soft.Floating;

/// <summary>Conversions between the interchange formats with NaN payloads kept from the left (SDM vol. 1, 4.8.3.5).</summary>
internal static class FormatConversion
{
    /// <summary>CVTSS2SD, CVTSD2SS and their packed forms.</summary>
    public static ulong Convert<TFrom, TTo>(ulong a, ref FloatStatus status)
        where TFrom : struct, IInterchangeFormat
        where TTo : struct, IInterchangeFormat
    {
        Operand operand = Interchange<TFrom>.Unpack(a, status.Daz);
        if (operand.IsNaN)
        {
            if (operand.Class == FloatClass.SignalingNaN)
                status.Raise(FloatFlags.Invalid);
            return Interchange<TTo>.PackNaN(operand);
        }

        if (operand.Denormal)
            status.Raise(FloatFlags.Denormal);
        return Interchange<TTo>.Pack(Exact.From(operand), ref status);
    }

    /// <summary>VCVTPH2PS: always exact; subnormal halves are numbers whatever DAZ says, and no denormal exception.</summary>
    public static uint HalfToFloat32(ushort a, ref FloatStatus status)
    {
        Operand operand = Interchange<Binary16>.Unpack(a, daz: false);
        if (operand.IsNaN)
        {
            if (operand.Class == FloatClass.SignalingNaN)
                status.Raise(FloatFlags.Invalid);
            return (uint)Interchange<Binary32>.PackNaN(operand);
        }

        return (uint)Interchange<Binary32>.Pack(Exact.From(operand), ref status);
    }

    /// <summary>VCVTPS2PH by the status's rounding: honours DAZ but not FTZ (SDM vol. 2, VCVTPS2PH).</summary>
    public static ushort Float32ToHalf(uint a, ref FloatStatus status)
    {
        FloatStatus gradual = new(status.Control & ~FloatStatus.FlushToZero);
        ushort result = (ushort)Convert<Binary32, Binary16>(a, ref gradual);
        status.Raise(gradual.Flags);
        return result;
    }
}
