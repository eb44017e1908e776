using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>The handlers of the x87 unit and of the instructions that save and restore extended state.</summary>
internal static unsafe class X87Table
{
    /// <summary>Registers the family.</summary>
    public static void Fill(HandlerTable t)
    {
        FillArithmetic(t);
        FillCompare(t);
        FillTransfer(t);
        FillFunctions(t);
        FillControl(t);
        FillSave(t);
    }

    private static void FillArithmetic(HandlerTable t)
    {
        t.Add(Code.Fadd_m32fp, &X87Arithmetic<AddOperation, SingleInMemory>.Memory);
        t.Add(Code.Fadd_m64fp, &X87Arithmetic<AddOperation, DoubleInMemory>.Memory);
        t.Add(Code.Fiadd_m16int, &X87Arithmetic<AddOperation, Int16InMemory>.Memory);
        t.Add(Code.Fiadd_m32int, &X87Arithmetic<AddOperation, Int32InMemory>.Memory);
        t.Add(Code.Fadd_st0_sti, &X87Arithmetic<AddOperation>.Register);
        t.Add(Code.Fadd_sti_st0, &X87Arithmetic<AddOperation>.Register);
        t.Add(Code.Faddp_sti_st0, &X87Arithmetic<AddOperation>.RegisterPop);

        t.Add(Code.Fmul_m32fp, &X87Arithmetic<MultiplyOperation, SingleInMemory>.Memory);
        t.Add(Code.Fmul_m64fp, &X87Arithmetic<MultiplyOperation, DoubleInMemory>.Memory);
        t.Add(Code.Fimul_m16int, &X87Arithmetic<MultiplyOperation, Int16InMemory>.Memory);
        t.Add(Code.Fimul_m32int, &X87Arithmetic<MultiplyOperation, Int32InMemory>.Memory);
        t.Add(Code.Fmul_st0_sti, &X87Arithmetic<MultiplyOperation>.Register);
        t.Add(Code.Fmul_sti_st0, &X87Arithmetic<MultiplyOperation>.Register);
        t.Add(Code.Fmulp_sti_st0, &X87Arithmetic<MultiplyOperation>.RegisterPop);

        t.Add(Code.Fsub_m32fp, &X87Arithmetic<SubtractOperation, SingleInMemory>.Memory);
        t.Add(Code.Fsub_m64fp, &X87Arithmetic<SubtractOperation, DoubleInMemory>.Memory);
        t.Add(Code.Fisub_m16int, &X87Arithmetic<SubtractOperation, Int16InMemory>.Memory);
        t.Add(Code.Fisub_m32int, &X87Arithmetic<SubtractOperation, Int32InMemory>.Memory);
        t.Add(Code.Fsub_st0_sti, &X87Arithmetic<SubtractOperation>.Register);
        t.Add(Code.Fsub_sti_st0, &X87Arithmetic<SubtractOperation>.Register);
        t.Add(Code.Fsubp_sti_st0, &X87Arithmetic<SubtractOperation>.RegisterPop);

        t.Add(Code.Fsubr_m32fp, &X87Arithmetic<SubtractReversedOperation, SingleInMemory>.Memory);
        t.Add(Code.Fsubr_m64fp, &X87Arithmetic<SubtractReversedOperation, DoubleInMemory>.Memory);
        t.Add(Code.Fisubr_m16int, &X87Arithmetic<SubtractReversedOperation, Int16InMemory>.Memory);
        t.Add(Code.Fisubr_m32int, &X87Arithmetic<SubtractReversedOperation, Int32InMemory>.Memory);
        t.Add(Code.Fsubr_st0_sti, &X87Arithmetic<SubtractReversedOperation>.Register);
        t.Add(Code.Fsubr_sti_st0, &X87Arithmetic<SubtractReversedOperation>.Register);
        t.Add(Code.Fsubrp_sti_st0, &X87Arithmetic<SubtractReversedOperation>.RegisterPop);

        t.Add(Code.Fdiv_m32fp, &X87Arithmetic<DivideOperation, SingleInMemory>.Memory);
        t.Add(Code.Fdiv_m64fp, &X87Arithmetic<DivideOperation, DoubleInMemory>.Memory);
        t.Add(Code.Fidiv_m16int, &X87Arithmetic<DivideOperation, Int16InMemory>.Memory);
        t.Add(Code.Fidiv_m32int, &X87Arithmetic<DivideOperation, Int32InMemory>.Memory);
        t.Add(Code.Fdiv_st0_sti, &X87Arithmetic<DivideOperation>.Register);
        t.Add(Code.Fdiv_sti_st0, &X87Arithmetic<DivideOperation>.Register);
        t.Add(Code.Fdivp_sti_st0, &X87Arithmetic<DivideOperation>.RegisterPop);

        t.Add(Code.Fdivr_m32fp, &X87Arithmetic<DivideReversedOperation, SingleInMemory>.Memory);
        t.Add(Code.Fdivr_m64fp, &X87Arithmetic<DivideReversedOperation, DoubleInMemory>.Memory);
        t.Add(Code.Fidivr_m16int, &X87Arithmetic<DivideReversedOperation, Int16InMemory>.Memory);
        t.Add(Code.Fidivr_m32int, &X87Arithmetic<DivideReversedOperation, Int32InMemory>.Memory);
        t.Add(Code.Fdivr_st0_sti, &X87Arithmetic<DivideReversedOperation>.Register);
        t.Add(Code.Fdivr_sti_st0, &X87Arithmetic<DivideReversedOperation>.Register);
        t.Add(Code.Fdivrp_sti_st0, &X87Arithmetic<DivideReversedOperation>.RegisterPop);
    }

    private static void FillCompare(HandlerTable t)
    {
        t.Add(Code.Fcom_m32fp, &X87Compare<SingleInMemory>.Fcom);
        t.Add(Code.Fcom_m64fp, &X87Compare<DoubleInMemory>.Fcom);
        t.Add(Code.Ficom_m16int, &X87Compare<Int16InMemory>.Fcom);
        t.Add(Code.Ficom_m32int, &X87Compare<Int32InMemory>.Fcom);
        t.Add(Code.Fcomp_m32fp, &X87Compare<SingleInMemory>.Fcomp);
        t.Add(Code.Fcomp_m64fp, &X87Compare<DoubleInMemory>.Fcomp);
        t.Add(Code.Ficomp_m16int, &X87Compare<Int16InMemory>.Fcomp);
        t.Add(Code.Ficomp_m32int, &X87Compare<Int32InMemory>.Fcomp);
        t.Add(Code.Fcom_st0_sti, &X87Compare.Fcom);
        t.Add(Code.Fcom_st0_sti_DCD0, &X87Compare.Fcom);
        t.Add(Code.Fcomp_st0_sti, &X87Compare.Fcomp);
        t.Add(Code.Fcomp_st0_sti_DCD8, &X87Compare.Fcomp);
        t.Add(Code.Fcomp_st0_sti_DED0, &X87Compare.Fcomp);
        t.Add(Code.Fcompp, &X87Compare.Fcompp);
        t.Add(Code.Fucom_st0_sti, &X87Compare.Fucom);
        t.Add(Code.Fucomp_st0_sti, &X87Compare.Fucomp);
        t.Add(Code.Fucompp, &X87Compare.Fucompp);
        t.Add(Code.Fcomi_st0_sti, &X87Compare.Fcomi);
        t.Add(Code.Fcomip_st0_sti, &X87Compare.Fcomip);
        t.Add(Code.Fucomi_st0_sti, &X87Compare.Fucomi);
        t.Add(Code.Fucomip_st0_sti, &X87Compare.Fucomip);
        t.Add(Code.Ftst, &X87Compare.Ftst);
        t.Add(Code.Fxam, &X87Compare.Fxam);
    }

    private static void FillTransfer(HandlerTable t)
    {
        t.Add(Code.Fld_m32fp, &X87Load<SingleInMemory>.Push);
        t.Add(Code.Fld_m64fp, &X87Load<DoubleInMemory>.Push);
        t.Add(Code.Fld_m80fp, &X87LoadStore.FldExtended);
        t.Add(Code.Fild_m16int, &X87Load<Int16InMemory>.Push);
        t.Add(Code.Fild_m32int, &X87Load<Int32InMemory>.Push);
        t.Add(Code.Fild_m64int, &X87Load<Int64InMemory>.Push);
        t.Add(Code.Fbld_m80bcd, &X87LoadStore.Fbld);
        t.Add(Code.Fld_sti, &X87Transfer.Fld);

        t.Add(Code.Fst_m32fp, &X87Store<SingleStore>.Keep);
        t.Add(Code.Fst_m64fp, &X87Store<DoubleStore>.Keep);
        t.Add(Code.Fstp_m32fp, &X87Store<SingleStore>.Pop);
        t.Add(Code.Fstp_m64fp, &X87Store<DoubleStore>.Pop);
        t.Add(Code.Fstp_m80fp, &X87LoadStore.FstpExtended);
        t.Add(Code.Fist_m16int, &X87Store<Int16Store>.Keep);
        t.Add(Code.Fist_m32int, &X87Store<Int32Store>.Keep);
        t.Add(Code.Fistp_m16int, &X87Store<Int16Store>.Pop);
        t.Add(Code.Fistp_m32int, &X87Store<Int32Store>.Pop);
        t.Add(Code.Fistp_m64int, &X87Store<Int64Store>.Pop);
        t.Add(Code.Fisttp_m16int, &X87Store<Int16Store>.TruncatePop);
        t.Add(Code.Fisttp_m32int, &X87Store<Int32Store>.TruncatePop);
        t.Add(Code.Fisttp_m64int, &X87Store<Int64Store>.TruncatePop);
        t.Add(Code.Fbstp_m80bcd, &X87LoadStore.Fbstp);
        t.Add(Code.Fst_sti, &X87Transfer.Fst);
        t.Add(Code.Fstp_sti, &X87Transfer.Fstp);
        t.Add(Code.Fstpnce_sti, &X87Transfer.Fstpnce);
        t.Add(Code.Fstp_sti_DFD0, &X87Transfer.Fstp);
        t.Add(Code.Fstp_sti_DFD8, &X87Transfer.Fstp);

        t.Add(Code.Fxch_st0_sti, &X87Transfer.Fxch);
        t.Add(Code.Fxch_st0_sti_DDC8, &X87Transfer.Fxch);
        t.Add(Code.Fxch_st0_sti_DFC8, &X87Transfer.Fxch);
        t.Add(Code.Fcmovb_st0_sti, &X87Transfer.Fcmovb);
        t.Add(Code.Fcmove_st0_sti, &X87Transfer.Fcmove);
        t.Add(Code.Fcmovbe_st0_sti, &X87Transfer.Fcmovbe);
        t.Add(Code.Fcmovu_st0_sti, &X87Transfer.Fcmovu);
        t.Add(Code.Fcmovnb_st0_sti, &X87Transfer.Fcmovnb);
        t.Add(Code.Fcmovne_st0_sti, &X87Transfer.Fcmovne);
        t.Add(Code.Fcmovnbe_st0_sti, &X87Transfer.Fcmovnbe);
        t.Add(Code.Fcmovnu_st0_sti, &X87Transfer.Fcmovnu);
        t.Add(Code.Ffree_sti, &X87Transfer.Ffree);
        t.Add(Code.Ffreep_sti, &X87Transfer.Ffreep);
        t.Add(Code.Fincstp, &X87Transfer.Fincstp);
        t.Add(Code.Fdecstp, &X87Transfer.Fdecstp);
        t.Add(Code.Fnop, &X87Transfer.Fnop);

        t.Add(Code.Fld1, &X87Constants.Fld1);
        t.Add(Code.Fldz, &X87Constants.Fldz);
        t.Add(Code.Fldl2t, &X87Constants.Fldl2t);
        t.Add(Code.Fldl2e, &X87Constants.Fldl2e);
        t.Add(Code.Fldpi, &X87Constants.Fldpi);
        t.Add(Code.Fldlg2, &X87Constants.Fldlg2);
        t.Add(Code.Fldln2, &X87Constants.Fldln2);
    }

    private static void FillFunctions(HandlerTable t)
    {
        t.Add(Code.Fabs, &X87Unary.Fabs);
        t.Add(Code.Fchs, &X87Unary.Fchs);
        t.Add(Code.Fsqrt, &X87Unary.Fsqrt);
        t.Add(Code.Frndint, &X87Unary.Frndint);
        t.Add(Code.Fscale, &X87Unary.Fscale);
        t.Add(Code.Fprem, &X87Unary.Fprem);
        t.Add(Code.Fprem1, &X87Unary.Fprem1);
        t.Add(Code.Fxtract, &X87Unary.Fxtract);
        t.Add(Code.F2xm1, &X87Transcendental.F2xm1);
        t.Add(Code.Fyl2x, &X87Transcendental.Fyl2x);
        t.Add(Code.Fyl2xp1, &X87Transcendental.Fyl2xp1);
        t.Add(Code.Fpatan, &X87Transcendental.Fpatan);
        t.Add(Code.Fsin, &X87Transcendental.Fsin);
        t.Add(Code.Fcos, &X87Transcendental.Fcos);
        t.Add(Code.Fsincos, &X87Transcendental.Fsincos);
        t.Add(Code.Fptan, &X87Transcendental.Fptan);
    }

    private static void FillControl(HandlerTable t)
    {
        t.Add(Code.Wait, &X87Control.Fwait);
        t.Add(Code.Fninit, &X87Control.Fninit);
        t.Add(Code.Fnclex, &X87Control.Fnclex);
        t.Add(Code.Fldcw_m2byte, &X87Control.Fldcw);
        t.Add(Code.Fnstcw_m2byte, &X87Control.Fnstcw);
        t.Add(Code.Fnstsw_m2byte, &X87Control.Fnstsw);
        t.Add(Code.Fnstsw_AX, &X87Control.FnstswAx);
        t.Add(Code.Fneni, &X87Control.Nothing);
        t.Add(Code.Fndisi, &X87Control.Nothing);
        t.Add(Code.Fnsetpm, &X87Control.Nothing);
        t.Add(Code.Fnstenv_m14byte, &X87Environment.Fnstenv16);
        t.Add(Code.Fnstenv_m28byte, &X87Environment.Fnstenv32);
        t.Add(Code.Fldenv_m14byte, &X87Environment.Fldenv16);
        t.Add(Code.Fldenv_m28byte, &X87Environment.Fldenv32);
        t.Add(Code.Fnsave_m94byte, &X87Environment.Fnsave16);
        t.Add(Code.Fnsave_m108byte, &X87Environment.Fnsave32);
        t.Add(Code.Frstor_m94byte, &X87Environment.Frstor16);
        t.Add(Code.Frstor_m108byte, &X87Environment.Frstor32);
    }

    private static void FillSave(HandlerTable t)
    {
        t.Add(Code.Fxsave_m512byte, &FxsaveOps.Fxsave);
        t.Add(Code.Fxsave64_m512byte, &FxsaveOps.Fxsave64);
        t.Add(Code.Fxrstor_m512byte, &FxsaveOps.Fxrstor);
        t.Add(Code.Fxrstor64_m512byte, &FxsaveOps.Fxrstor64);
        t.Add(Code.Ldmxcsr_m32, &FxsaveOps.Ldmxcsr);
        t.Add(Code.Stmxcsr_m32, &FxsaveOps.Stmxcsr);
        t.Add(Code.VEX_Vldmxcsr_m32, &FxsaveOps.Ldmxcsr);
        t.Add(Code.VEX_Vstmxcsr_m32, &FxsaveOps.Stmxcsr);
        t.Add(Code.Xsave_mem, &XsaveOps.Xsave);
        t.Add(Code.Xsave64_mem, &XsaveOps.Xsave64);
        t.Add(Code.Xsaveopt_mem, &XsaveOps.Xsaveopt);
        t.Add(Code.Xsaveopt64_mem, &XsaveOps.Xsaveopt64);
        t.Add(Code.Xsavec_mem, &XsaveOps.Xsavec);
        t.Add(Code.Xsavec64_mem, &XsaveOps.Xsavec64);
        t.Add(Code.Xsaves_mem, &XsaveOps.Xsaves);
        t.Add(Code.Xsaves64_mem, &XsaveOps.Xsaves64);

        // What restores PKRU may change translations that later instructions of a block would use.
        t.AddLast(Code.Xrstor_mem, &XsaveOps.Xrstor);
        t.AddLast(Code.Xrstor64_mem, &XsaveOps.Xrstor64);
        t.AddLast(Code.Xrstors_mem, &XsaveOps.Xrstors);
        t.AddLast(Code.Xrstors64_mem, &XsaveOps.Xrstors64);
        t.Add(Code.Xgetbv, &XsaveOps.Xgetbv);
        t.AddLast(Code.Xsetbv, &XsaveOps.Xsetbv);
    }
}
