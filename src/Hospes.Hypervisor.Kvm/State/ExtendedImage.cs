using System.Runtime.Intrinsics.X86;

namespace Hospes.Hypervisor.Kvm.State;

/// <summary>
/// The extended save area between the contract's layout and the host's: both are XSAVE's standard format (Intel SDM vol. 1, 13.4), but where a component
/// stands beyond AVX is the host's to say (CPUID leaf 0xD), and AMD's PKRU stands elsewhere than Intel's.
/// </summary>
internal static class ExtendedImage
{
    /// <summary>Bytes of KVM's image.</summary>
    public const int Size = 4096;

    private const int HeaderOffset = 512, AvxOffset = 576, AvxSize = 256, PkruOffset = 2688;
    private const ulong X87 = 1, Sse = 2, Avx = 4, Pkru = 1 << 9;
    private const uint InitialMxcsr = 0x1F80;

    /// <summary>Copies the host's image out. Components in their initial state are written out, so that equal states have equal images.</summary>
    public static void Out(ReadOnlySpan<byte> image, Span<byte> area)
    {
        area.Clear();
        ulong present = BitConverter.ToUInt64(image[HeaderOffset..]);
        BitConverter.TryWriteBytes(area, (ushort)0x37F);
        if ((present & X87) != 0)
        {
            image[..24].CopyTo(area);
            // Ten bytes each: what stands in the other six is nothing.
            for (int i = 0; i < 8; i++) image.Slice(32 + i * 16, 10).CopyTo(area[(32 + i * 16)..]);
        }
        BitConverter.TryWriteBytes(area[24..], (present & (Sse | Avx)) != 0 ? BitConverter.ToUInt32(image[24..]) : InitialMxcsr);
        BitConverter.TryWriteBytes(area[28..], 0xFFFF);
        if ((present & Sse) != 0) image.Slice(160, 256).CopyTo(area[160..]);
        if ((present & Avx) != 0) image.Slice(AvxOffset, AvxSize).CopyTo(area[AvxOffset..]);
        if ((present & Pkru) != 0) image.Slice(HostPkruOffset, 4).CopyTo(area[PkruOffset..]);
        BitConverter.TryWriteBytes(area[HeaderOffset..], X87 | Sse | Avx | Pkru);
    }

    /// <summary>Puts the contract's image into the host's, which holds only what the guest can have.</summary>
    /// <param name="area">The contract's image.</param>
    /// <param name="supported">The components that the guest's XCR0 can hold.</param>
    /// <param name="image">The host's image; it is cleared first.</param>
    public static void In(ReadOnlySpan<byte> area, ulong supported, Span<byte> image)
    {
        image.Clear();
        ulong present = BitConverter.ToUInt64(area[HeaderOffset..]) & supported & (X87 | Sse | Avx | Pkru);
        if ((present & X87) != 0)
        {
            area[..24].CopyTo(image);
            area.Slice(32, 128).CopyTo(image[32..]);
        }
        // Reserved bits of MXCSR would be refused.
        uint mxcsr = (present & (Sse | Avx)) != 0 ? BitConverter.ToUInt32(area[24..]) & 0xFFFF : InitialMxcsr;
        BitConverter.TryWriteBytes(image[24..], mxcsr);
        if ((present & Sse) != 0) area.Slice(160, 256).CopyTo(image[160..]);
        if ((present & Avx) != 0) area.Slice(AvxOffset, AvxSize).CopyTo(image[AvxOffset..]);
        if ((present & Pkru) != 0) area.Slice(PkruOffset, 4).CopyTo(image[HostPkruOffset..]);
        BitConverter.TryWriteBytes(image[HeaderOffset..], present);
    }

    private static int HostPkruOffset => X86Base.CpuId(0xD, 9).Ebx;
}
